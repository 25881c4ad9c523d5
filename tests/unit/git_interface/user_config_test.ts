import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { fetchChecksObjects } from "../../../lib/git_interface/config.ts";
import { changeUserConfig } from "../../../lib/git_interface/user_config.ts";
import { git, tempDir } from "./fixture.ts";

const NAMES = ["nostr.nsec", "nostr.npub", "nostr.bunker-uri"];
const signal = () => AbortSignal.timeout(100_000);

/** A home whose git configuration is in `file`. */
async function home(file: string, content?: string) {
  const temp = await tempDir();
  const path = join(temp.path, file);
  if (content !== undefined) {
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, content, { mode: 0o644 });
  }
  const env = (name: string) => name === "HOME" ? temp.path : undefined;
  return {
    path,
    change: (values: Record<string, string>) => changeUserConfig(NAMES, values, env, signal()),
    get: (name: string) => git(temp.path, ["config", "--global", "--get-all", name]),
    text: () => Deno.readTextFile(path),
    mode: async () => (await Deno.stat(path)).mode! & 0o777,
    files: async () => (await Array.fromAsync(Deno.readDir(temp.path))).map(({ name }) => name),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("user config: values are set and removed at once, all else stays", async () => {
  const before = "# mine\n[user]\n\tname = A\n[nostr]\n\tnsec = old\n\tnsec = older\n\tother = x\n";
  await using h = await home(".gitconfig", before);
  await h.change({ "nostr.bunker-uri": "bunker://ab?relay=a&secret=#1;2", "nostr.npub": "npub1" });
  assert.equal(await h.get("nostr.bunker-uri"), "bunker://ab?relay=a&secret=#1;2");
  assert.equal(await h.get("nostr.npub"), "npub1");
  await assert.rejects(h.get("nostr.nsec"));
  assert.match(await h.text(), /^# mine\n\[user\]\n\tname = A\n/);
  assert.equal(await h.mode(), 0o600, "a secret is in it now");
  assert.deepEqual(await h.files(), [".gitconfig"]);

  await h.change({});
  for (const name of NAMES) await assert.rejects(h.get(name));
  assert.equal(await h.get("nostr.other"), "x");
  const after = await h.text();
  await h.change({});
  assert.equal(await h.text(), after);
});

Deno.test("user config: where git itself would look", async () => {
  await using none = await home(".gitconfig");
  await none.change({});
  assert.deepEqual(await none.files(), []);
  await none.change({ "nostr.nsec": "a" });
  assert.equal(await none.get("nostr.nsec"), "a");

  await using xdg = await home(".config/git/config", "[user]\n\tname = A\n");
  await xdg.change({ "nostr.nsec": "b" });
  assert.equal(await xdg.get("nostr.nsec"), "b");
  assert.deepEqual(await xdg.files(), [".config"]);

  await using linked = await home("dotfiles/gitconfig", "");
  const link = join(linked.path, "..", "..", ".gitconfig");
  await Deno.symlink(linked.path, link);
  await linked.change({ "nostr.nsec": "c" });
  assert.equal(await linked.get("nostr.nsec"), "c");
  assert((await Deno.lstat(link)).isSymlink);
});

Deno.test("user config: any text comes back as it was", async () => {
  await using h = await home(".gitconfig");
  const text = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" });
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      await h.change({ "nostr.nsec": value });
      assert.equal(await h.get("nostr.nsec"), value);
    }),
    { numRuns: 15 },
  );
});

Deno.test("user config: GIT_CONFIG_GLOBAL is the file, and nothing else is replaced", async () => {
  await using h = await home(".gitconfig", "[user]\n\tname = A\n");
  const before = await h.text();
  const other = join(h.path, "..", "other");
  const change = (file: string) => {
    const env = (name: string) => name === "GIT_CONFIG_GLOBAL" ? file : join(h.path, "..");
    return changeUserConfig(NAMES, { "nostr.npub": "npub1" }, env, signal());
  };
  await change(other);
  assert.match(await Deno.readTextFile(other), /npub = "npub1"/);
  assert.equal(await h.text(), before);
  await assert.rejects(change("/dev/null"), {
    code: "no-home",
    message: /\/dev\/null is not a file$/,
  });
});

Deno.test("git's settings are read where the environment says that they are", async () => {
  await using h = await home("elsewhere", "[transfer]\n\tfsckObjects = true\n");
  const set = (values: Record<string, string | undefined>) => {
    for (const [name, value] of Object.entries(values)) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  };
  const before = Deno.env.get("GIT_CONFIG_GLOBAL");
  try {
    set({ GIT_CONFIG_GLOBAL: h.path });
    assert.equal(await fetchChecksObjects(), true);
    const one = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "fetch.fsckObjects" };
    set({ ...one, GIT_CONFIG_VALUE_0: "false" });
    assert.equal(await fetchChecksObjects(), false);
  } finally {
    const [count, key, value] = ["COUNT", "KEY_0", "VALUE_0"].map((x) => `GIT_CONFIG_${x}`);
    set({ GIT_CONFIG_GLOBAL: before, [count!]: undefined, [key!]: undefined, [value!]: undefined });
  }
});
