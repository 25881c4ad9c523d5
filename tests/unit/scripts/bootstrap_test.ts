import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const TOOLS = [
  "cat",
  "chmod",
  "dirname",
  "grep",
  "head",
  "mkdir",
  "mktemp",
  "mv",
  "rm",
  "sh",
  "tr",
];

/** A copy of the script with a PATH of its own, on which only a few tools are. */
async function machine(wanted: string) {
  const root = await Deno.makeTempDir();
  const bin = join(root, "bin");
  await Deno.mkdir(bin);
  await Deno.mkdir(join(root, "scripts"));
  await Deno.copyFile(join(ROOT, "scripts", "bootstrap.sh"), join(root, "scripts", "bootstrap.sh"));
  await Deno.writeTextFile(join(root, ".deno-version"), `${wanted}\n`);
  for (const tool of TOOLS) {
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${tool}`] })
      .output();
    await Deno.symlink(new TextDecoder().decode(stdout).trim(), join(bin, tool));
  }
  return {
    root,
    program: (name: string, text: string) =>
      Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 }),
    link: (name: string, target: string) => Deno.symlink(target, join(bin, name)),
    async bootstrap() {
      const { code, stdout, stderr } = await new Deno.Command(join(bin, "sh"), {
        args: [join(root, "scripts", "bootstrap.sh")],
        clearEnv: true,
        env: { PATH: bin, HOME: root },
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
      return { code, stdout: text(stdout), stderr: text(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** An npm that installs a link to the Deno that runs this test. */
const NPM = `while [ $# -gt 0 ]; do [ "$1" = --prefix ] && into=$2; shift; done
mkdir -p "$into/node_modules/@deno/here"
cat "${Deno.execPath()}" >"$into/node_modules/@deno/here/deno"`;

Deno.test("bootstrap: a Deno of the right version on PATH is taken as it is", async () => {
  await using here = await machine(Deno.version.deno);
  await here.link("deno", Deno.execPath());
  const { code, stdout, stderr } = await here.bootstrap();
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(await Deno.realPath(stdout), await Deno.realPath(Deno.execPath()));
});

Deno.test("bootstrap: another version on PATH is passed over, and npm installs once", async () => {
  await using here = await machine(Deno.version.deno);
  await here.program("deno", "exit 0"); // another version prints nothing when asked
  await here.program("npm", NPM);
  const installed = join(here.root, ".tools", `deno-${Deno.version.deno}`, "deno");
  const first = await here.bootstrap();
  assert.equal(first.stdout, installed);
  assert.match(first.stderr, /^bootstrap: installing deno [\d.]+ with npm$/);
  assert.deepEqual(await here.bootstrap(), { code: 0, stdout: installed, stderr: "" });
  const left = [...Deno.readDirSync(join(here.root, ".tools"))].map((entry) => entry.name);
  assert.deepEqual(left, [`deno-${Deno.version.deno}`]);
});

Deno.test("bootstrap: without any way to install, one line says what was tried", async () => {
  await using here = await machine("0.0.1");
  assert.deepEqual(await here.bootstrap(), {
    code: 1,
    stdout: "",
    stderr:
      "bootstrap: can't install deno 0.0.1: no npm; no curl (put deno 0.0.1, npm or curl on PATH)",
  });
  await here.program("npm", "echo 'npm error notarget No such version.' >&2; exit 1");
  const { code, stderr } = await here.bootstrap();
  assert.equal(code, 1);
  assert.match(
    stderr,
    /can't install deno 0\.0\.1: npm: npm error notarget No such version\.; no curl/,
  );
  assert.deepEqual([...Deno.readDirSync(join(here.root, ".tools"))], []);
});
