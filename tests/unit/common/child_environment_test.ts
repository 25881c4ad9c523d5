import assert from "node:assert/strict";

const MODULE = import.meta.resolve("../../../lib/common/child_environment.ts");

/** What a program that a Deno with these permissions starts gets to see. */
async function seen(...permissions: string[]): Promise<string[]> {
  const code = `import { childEnvironment } from "${MODULE}";
const { stdout } = await new Deno.Command("git", {
  args: ["-c", "alias.show-env=!env", "show-env"],
  clearEnv: true,
  env: childEnvironment(),
}).output();
await Deno.stdout.write(stdout);`;
  const program = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(program, code);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", "--allow-env", ...permissions, program],
      env: { LD_GTR_TEST: "1", GTR_TEST: "2" },
    }).output();
    return new TextDecoder().decode(stdout).match(/^(LD_)?GTR_TEST=.$/gm) ?? [];
  } finally {
    await Deno.remove(program);
  }
}

Deno.test("child environment: everything, where anything may be run", async () => {
  assert.deepEqual((await seen("--allow-run")).sort(), ["GTR_TEST=2", "LD_GTR_TEST=1"]);
});

Deno.test("child environment: nothing for the linker, where only git may be run", async () => {
  assert.deepEqual(await seen("--allow-run=git"), ["GTR_TEST=2"]);
});
