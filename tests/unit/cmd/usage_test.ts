import assert from "node:assert/strict";
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const PROGRAMS = [...Deno.readDirSync(join(ROOT, "cmd"))].map(({ name }) => name.slice(0, -3));
const HELPERS = PROGRAMS.filter((name) => name.startsWith("git-remote-"));

async function run(program: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", join(ROOT, "cmd", `${program}.ts`), ...args],
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

for (const program of PROGRAMS) {
  Deno.test(`usage: ${program} says what it is, and its version`, async () => {
    const help = await run(program, "--help");
    assert.deepEqual([help.code, help.err], [0, ""]);
    assert.match(help.out, new RegExp(`^usage: ${program} `));
    assert.match(help.out, /^ {2}-h, --help +print this$/m);
    assert.ok(help.out.split("\n").every((line) => line.length <= 80));
    assert.deepEqual(await run(program, "-h"), help);
    const version = await run(program, "--version");
    assert.deepEqual([version.code, version.err], [0, ""]);
    assert.match(version.out, new RegExp(`^${program} \\d+\\.\\d+\\.\\d+`));
    assert.deepEqual(await run(program, "-V"), version);
  });
}

for (const helper of HELPERS) {
  Deno.test(`usage: ${helper} tells a person what to do instead`, async () => {
    const alone = await run(helper);
    assert.deepEqual([alone.code, alone.out], [2, ""]);
    assert.match(alone.err, /can't run without git: .*\nhint: git clone \w+:\/\/<publisher>\//);
    const option = await run(helper, "--nonsense");
    assert.equal(option.code, 2);
    assert.match(option.err, /can't run: it doesn't know '--nonsense'\nhint: /);
  });
}

Deno.test("usage: gtd refuses what it doesn't know", async () => {
  for (const args of [["start"], ["--nonsense"], ["--background", "more"]]) {
    const { code, out, err } = await run("gtd", ...args);
    assert.deepEqual([code, out], [2, ""]);
    assert.match(err, new RegExp(`it doesn't know '${args.at(-1)}'\nhint: gtd --help\n$`));
  }
});
