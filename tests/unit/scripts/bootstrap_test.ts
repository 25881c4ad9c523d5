import assert from "node:assert/strict";
import { join } from "node:path";
import { sha256 } from "../../../scripts/build/checksums.ts";

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
  "sha256sum",
  "tr",
  "uname",
];
const VERSION = Deno.version.deno;
const OWN = (await sha256(Deno.execPath()))!;

/** A copy of the script with a PATH of its own, on which only a few tools are. */
async function machine(
  wanted: string,
  checksums = `# comment\n${OWN}  v${VERSION}/deno-${Deno.build.target}\n`,
) {
  const root = await Deno.makeTempDir();
  const bin = join(root, "bin");
  await Deno.mkdir(bin);
  await Deno.mkdir(join(root, "scripts"));
  await Deno.copyFile(join(ROOT, "scripts", "bootstrap.sh"), join(root, "scripts", "bootstrap.sh"));
  await Deno.writeTextFile(join(root, ".deno-version"), `${wanted}\n`);
  await Deno.writeTextFile(join(root, ".deno-checksums"), checksums);
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
  await using here = await machine("0.0.1", `${OWN}  v0.0.1/deno-${Deno.build.target}\n`);
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

Deno.test("bootstrap: what has another checksum never runs, and isn't kept", async () => {
  await using here = await machine(VERSION);
  await here.program(
    "npm",
    `${NPM}
printf '#!/bin/sh\ntouch %s/ran\n' "${here.root}" >"$into/node_modules/@deno/here/deno"`,
  );
  const { code, stdout, stderr } = await here.bootstrap();
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /can't use the deno [\d.]+ just fetched: its SHA-256 is [0-9a-f]{64}, not that in \.deno-checksums$/,
  );
  assert.deepEqual([...Deno.readDirSync(join(here.root, ".tools"))], []);
  assert.ok(![...Deno.readDirSync(here.root)].some(({ name }) => name === "ran"));
});

Deno.test("bootstrap: nothing is fetched whose checksum isn't known", async () => {
  for (const target of ["", `${OWN}  v0.0.1/deno-${Deno.build.target}\n`]) {
    await using here = await machine(VERSION, target);
    await here.program("npm", NPM);
    const { code, stderr } = await here.bootstrap();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^bootstrap: can't install deno [\d.]+: \.deno-checksums has no checksum of it for \S+ \(put/,
    );
  }
});

Deno.test("bootstrap: without npm, curl fetches the release's archive, by https only", async () => {
  await using here = await machine(VERSION);
  await here.program(
    "unzip",
    'while [ $# -gt 0 ]; do [ "$1" = -d ] && into=$2; shift; done\n' +
      `cat "${Deno.execPath()}" >"$into/deno"`,
  );
  await here.program("curl", `echo "$*" >"${here.root}/asked"`);
  const installed = join(here.root, ".tools", `deno-${VERSION}`, "deno");
  assert.equal((await here.bootstrap()).stdout, installed);
  assert.equal(await sha256(installed), OWN);
  assert.match(
    await Deno.readTextFile(join(here.root, "asked")),
    new RegExp(
      `^--proto =https --proto-redir =https --tlsv1\\.2 .* https://\\S+/v${VERSION}/deno-`,
    ),
  );
});
