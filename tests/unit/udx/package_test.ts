/**
 * UDX as a package of its own: what a project that knows nothing of gtr can do with it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const DEADLINE_MS = 120_000;
const BYTES = 1_000_000;
/** Where examples are. */
const EXAMPLES = ["README.md", "mod.ts", "socket.ts", "stream.ts"];

/** Sends over loopback, and prints how much came. */
const PROGRAM = `
import { mmsgAvailable, UDX, type UDXStream } from "@gtr/udx";

const udx = new UDX();
const [here, there] = [udx.createSocket(), udx.createSocket()];
here.bind(0, "127.0.0.1");
there.bind(0, "127.0.0.1");
const left: UDXStream = udx.createStream(1);
const right: UDXStream = udx.createStream(2);
left.connect(here, right.id, there.address()!.port, "127.0.0.1");
right.connect(there, left.id, here.address()!.port, "127.0.0.1");
right.end();
left.resume();
left.end(new Uint8Array(${BYTES}));
let bytes = 0;
for await (const data of right) bytes += data.length;
await Promise.all([here.close(), there.close()]);
console.log(bytes, mmsgAvailable());
`;

/** A copy of the package beside a project that links to it, in a folder outside of gtr's. */
async function project(): Promise<{ copy: string; folder: string } & AsyncDisposable> {
  const parent = await Deno.realPath(await Deno.makeTempDir({ prefix: "gtr-udx-" }));
  const [copy, folder] = [join(parent, "udx"), join(parent, "project")];
  for (const path of [copy, folder]) {
    await Deno.mkdir(path);
    // So that the packages are those that are here already.
    await Deno.copyFile(join(ROOT, "deno.lock"), join(path, "deno.lock"));
  }
  for await (const { name } of Deno.readDir(join(ROOT, "lib", "udx"))) {
    await Deno.copyFile(join(ROOT, "lib", "udx", name), join(copy, name));
  }
  const config = { links: ["../udx"], imports: { "@gtr/udx": "jsr:@gtr/udx@^0.1.0" } };
  await Deno.writeTextFile(join(folder, "deno.json"), JSON.stringify(config));
  await Deno.writeTextFile(join(folder, "main.ts"), PROGRAM);
  const dispose = () => Deno.remove(parent, { recursive: true });
  return { copy, folder, [Symbol.asyncDispose]: dispose };
}

/** Runs Deno there, without the registries; returns what it said. */
async function deno(cwd: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).output();
  const text = new TextDecoder();
  assert.ok(success, text.decode(stdout) + text.decode(stderr));
  return text.decode(stdout).trim();
}

const RUN = ["run", "--quiet", "--cached-only", "--no-prompt"];

Deno.test("udx, as a package: another project sends a megabyte with it", async () => {
  await using made = await project();
  assert.equal(await deno(made.folder, ...RUN, "--allow-net", "main.ts"), `${BYTES} false`);
});

Deno.test({
  name: "udx, as a package: and by FFI (needs Linux)",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using made = await project();
    const permissions = ["--allow-net", "--allow-ffi"];
    assert.equal(await deno(made.folder, ...RUN, ...permissions, "main.ts"), `${BYTES} true`);
  },
});

Deno.test("udx, as a package: its examples run, and its types are right", async () => {
  await using made = await project();
  await deno(made.folder, "check", "--quiet", "--cached-only", "main.ts");
  const said = await deno(made.copy, "test", "--doc", "--cached-only", "--allow-net", ...EXAMPLES);
  assert.match(said, /\b5 passed\b/);
});

Deno.test("udx, as a package: all of its interface is documented", async () => {
  await deno(join(ROOT, "lib", "udx"), "doc", "--lint", "mod.ts");
});
