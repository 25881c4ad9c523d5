import assert from "node:assert/strict";
import { join } from "node:path";
import { BuildError } from "../../../scripts/build/error.ts";
import { build as buildAny } from "../../../scripts/build.ts";

const build = (root: string) => buildAny(root, { kind: "bundles" });

const PROGRAMS = {
  "cmd/gtr.ts": 'const { greet } = await import("../lib/greet.ts");\ngreet(Deno.args[0]);\n',
  "cmd/gtd.ts": 'await new Deno.Command("sh").output();\n',
  "lib/greet.ts": "export const greet = (name = 'nobody') => console.log(name);\n",
};

/** A small project of the same shape, in a folder whose name has spaces. */
async function project(files: Record<string, string>): Promise<{ root: string } & AsyncDisposable> {
  const parent = await Deno.realPath(await Deno.makeTempDir());
  const root = join(parent, "a project");
  for (const folder of ["cmd", "lib"]) await Deno.mkdir(join(root, folder), { recursive: true });
  await Deno.writeTextFile(join(root, "deno.json"), '{"version":"1.2.3"}');
  for (const [path, text] of Object.entries(files)) {
    await Deno.writeTextFile(join(root, path), text);
  }
  return { root, [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }) };
}

async function run(path: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(path, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("build: programs run from anywhere, by every name and through links", async () => {
  await using made = await project(PROGRAMS);
  const said = await build(made.root);
  assert.match(said, /^built gtd, gtr, gti into dist\/bin \(.*\): first build$/);
  const bin = join(made.root, "dist", "bin");
  assert.deepEqual(await run(join(bin, "gtr"), "hello"), { code: 0, stdout: "hello", stderr: "" });
  assert.equal((await run(join(bin, "gti"), "hello")).stdout, "hello");
  await Deno.symlink("a project/dist/bin/gtr", join(made.root, "..", "once"));
  await Deno.symlink("once", join(made.root, "..", "twice"));
  assert.equal((await run(join(made.root, "..", "twice"))).stdout, "nobody");
});

Deno.test("build: a program may run git and nothing else", async () => {
  await using made = await project(PROGRAMS);
  await build(made.root);
  const { code, stderr } = await run(join(made.root, "dist", "bin", "gtd"));
  assert.equal(code, 1);
  assert.match(stderr, /Requires run access to "sh"/);
});

Deno.test("build: what `using` declares is disposed of", async () => {
  await using made = await project({
    "cmd/gtr.ts": 'import { hold } from "../lib/hold.ts";\nhold();\n',
    "lib/hold.ts": `const lock = () => ({
  name: "held",
  [Symbol.dispose]: () => console.log("given back"),
});
export function hold() {
  using held = lock(); // used once, and next: a minifier may put the call there instead
  if (!held.name) return;
  console.log("held");
}
`,
  });
  await build(made.root);
  const { stdout } = await run(join(made.root, "dist", "bin", "gtr"));
  assert.equal(stdout, "held\ngiven back");
});

Deno.test("build: only a change of content builds anew, and what is gone goes", async () => {
  await using made = await project(PROGRAMS);
  const bin = join(made.root, "dist", "bin");
  await build(made.root);
  assert.match(await build(made.root), /up to date/);
  await Deno.writeTextFile(join(made.root, "lib", "greet.ts"), PROGRAMS["lib/greet.ts"]);
  assert.match(await build(made.root), /up to date/);
  await Deno.remove(join(made.root, "cmd", "gtd.ts"));
  assert.match(await build(made.root), /sources changed$/);
  assert.deepEqual([...Deno.readDirSync(bin)].map((entry) => entry.name).sort(), ["gti", "gtr"]);
  await Deno.remove(join(bin, "gti"));
  assert.match(await build(made.root), /^built/);
});

Deno.test("build: two at once make one build", async () => {
  await using made = await project(PROGRAMS);
  const said = (await Promise.all([build(made.root), build(made.root)])).sort();
  assert.match(said[0]!, /^built/);
  assert.match(said[1]!, /up to date/);
});

Deno.test("build: two folders give the same bytes", async () => {
  await using one = await project(PROGRAMS);
  await using two = await project(PROGRAMS);
  const files = async (root: string, folder = "dist"): Promise<[string, string][]> => {
    const found: [string, string][] = [];
    for await (const entry of Deno.readDir(join(root, folder))) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) found.push(...await files(root, path));
      else if (entry.name !== "deno") found.push([path, await Deno.readTextFile(join(root, path))]);
    }
    return found.sort();
  };
  await build(one.root);
  await build(two.root);
  assert.deepEqual(await files(one.root), await files(two.root));
});

Deno.test("build: what can't be built says why and leaves the last build alone", async () => {
  await using made = await project(PROGRAMS);
  const bin = join(made.root, "dist", "bin");
  await build(made.root);
  await Deno.writeTextFile(join(made.root, "lib", "greet.ts"), "export const greet = ;");
  await assert.rejects(build(made.root), (error: Error) => {
    assert.ok(error instanceof BuildError);
    assert.match(error.message, /^can't bundle cmd\/gtd\.ts, cmd\/gtr\.ts:\n.*greet\.ts/s);
    return true;
  });
  assert.equal((await run(join(bin, "gtr"), "hello")).stdout, "hello");
  await using empty = await project({});
  await assert.rejects(build(empty.root), /cmd\/ holds no program/);
});
