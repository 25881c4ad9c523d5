/**
 * hyperdht as npm has it, on our UDX, in a bundle and in a binary.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { replaceAddons } from "../../../scripts/build/addons.ts";
import { bundle } from "../../../scripts/build/bundle.ts";
import { compile } from "../../../scripts/build/compile.ts";
import { localBase } from "../../../scripts/build/denort.ts";
import type { Program } from "../../../scripts/build/programs.ts";

const ROOT = join(import.meta.dirname!, "..", "..", "..");
const NAME = "hyperdht_program";
const PROGRAM = join(import.meta.dirname!, `${NAME}.ts`);
const DEADLINE_MS = 60_000;
const NATIVE = "hello by sodium-native";
const JAVASCRIPT = "hello by JavaScript";

async function run(command: string, ...args: string[]): Promise<string> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const { stdout, stderr } = await new Deno.Command(command, { args, signal }).output();
  const text = new TextDecoder();
  return text.decode(stdout).trim() || text.decode(stderr);
}

/** Bundles the program into a folder of its own, and passes on what it consists of. */
async function withBundle(
  use: (work: string, program: Program, files: readonly string[]) => Promise<void>,
): Promise<void> {
  const work = await Deno.makeTempDir();
  try {
    const program = { name: NAME, entry: PROGRAM, aliases: [], runs: [], flags: ["--allow-ffi"] };
    const contents = await bundle(ROOT, [program], join(work, "bundle"));
    const { files, packages } = contents[NAME]!;
    assert.ok(packages.some((name) => name.startsWith("hyperdht@")));
    assert.ok(files.includes("sodium-native.node"));
    await use(work, program, files);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

Deno.test("addons: hyperdht runs unmodified, from its sources and in a bundle", async () => {
  await withBundle(async (work) => {
    const options = ["--allow-all", "--frozen", "--no-check"];
    assert.equal(await run(Deno.execPath(), "run", ...options, PROGRAM), NATIVE);
    const bundled = join(work, "bundle", `${NAME}.js`);
    assert.equal(await run(Deno.execPath(), "run", ...options, bundled), NATIVE);
  });
});

Deno.test("addons: without them JavaScript does it, from its sources and in a bundle", async () => {
  await withBundle(async (work) => {
    const restricted = ["--allow-read", "--allow-env", "--allow-net", "--allow-sys", "--no-prompt"];
    const options = [...restricted, "--frozen", "--no-check"];
    assert.equal(await run(Deno.execPath(), "run", ...options, PROGRAM), JAVASCRIPT);
    await Deno.remove(join(work, "bundle", "sodium-native.node"));
    const bundled = join(work, "bundle", `${NAME}.js`);
    assert.equal(await run(Deno.execPath(), "run", "-A", "--no-check", bundled), JAVASCRIPT);
  });
});

const base = await localBase(ROOT, Deno.env.get("DENORT_BIN"));

Deno.test({
  name: `addons: hyperdht runs unmodified in a binary${base ? "" : " (needs denort)"}`,
  ignore: !base,
  fn: () =>
    withBundle(async (work, program, files) => {
      const binary = join(work, NAME);
      await compile(program, join(work, "bundle"), files, binary, base!);
      await Deno.remove(join(work, "bundle"), { recursive: true });
      assert.equal(await run(binary), NATIVE);
    }),
});

Deno.test("addons: one that is loaded in another way stops the build", () => {
  const path = "../.cache/npm/registry.npmjs.org/some-native/1.0.0";
  const loader = (load: string) =>
    new Map([[
      "a.js",
      `
var require_binding = __commonJS({
  "${path}/binding.js"(exports, module) {
    __require.addon = require_node();
    ${load}
  }
});`,
    ]]);
  const known = loader(`module.exports = __require.addon(".", __filename);`);
  const [addon] = replaceAddons("/root", known);
  assert.equal(addon?.name, "some-native.node");
  assert.match(addon.path, /^\/\.cache\/npm\/.*\/some-native\/1\.0\.0\/prebuilds\/[a-z0-9-]+\//);
  assert.match(known.get("a.js")!, /module\.exports = __require\("\.\/some-native\.node"\);/);
  assert.throws(
    () => replaceAddons("/root", loader(`exports.x = __require.addon(".", __filename);`)),
    /native addon/,
  );
});
