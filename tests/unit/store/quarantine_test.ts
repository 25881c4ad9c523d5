/** How git is asked to check packs that were made as one. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { commit, tempDir } from "../git_interface/fixture.ts";
import { follow, fsck, Publisher, readerOf } from "./fixture.ts";

/** Puts a `git` on PATH that notes, before it runs the real one, what is beside the pack. */
async function watchGit(folder: string): Promise<{ seen(): Promise<string[]> } & Disposable> {
  const path = Deno.env.get("PATH")!;
  const found = new Deno.Command("sh", { args: ["-c", "command -v git"] }).outputSync();
  const real = new TextDecoder().decode(found.stdout).trim();
  const log = join(folder, "log");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(
    join(folder, "git"),
    `#!/bin/sh
for last; do :; done
case " $* " in *" --stdin "*) ;; *" index-pack "*) echo "\$last" "\${last%/*}"/* > '${log}' ;; esac
exec '${real}' "$@"
`,
    { mode: 0o755 },
  );
  Deno.env.set("PATH", `${folder}:${path}`);
  return {
    seen: async () => {
      const text = await Deno.readTextFile(log).catch(() => "");
      return text.trim().split(" ").filter(Boolean);
    },
    [Symbol.dispose]: () => Deno.env.set("PATH", path),
  };
}

Deno.test("quarantine: a pack that is checked again has no index meanwhile", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  for (const file of ["a", "b", "c"]) await commit(publisher.work, file, 700_000);
  const parts = (await publisher.split([], 2 ** 20)).reverse(); // what leads to others comes first
  const tips = parts[0]!.pack.tips;
  const added = parts.map((part, i) => ({
    ...part,
    pack: { ...part.pack, tips: i === parts.length - 1 ? tips : [] },
  }));
  const signed = await publisher.sign(added.map(({ pack }) => pack));
  const reader = readerOf(publisher, join(temp.path, "home"));
  {
    using git = await watchGit(join(temp.path, "bin"));
    await follow(reader, { signed, added });
    // With an index git finds each of its objects twice, and compares them.
    const [pack, ...present] = await git.seen();
    assert.ok(present.includes(pack!), present.join());
    assert.ok(!present.includes(pack!.replace(/pack$/, "idx")), present.join());
  }
  assert.equal(await fsck(reader), "");
});

Deno.test("quarantine: a pack that stands alone is not checked again", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  await commit(publisher.work, "a");
  const first = await publisher.publication();
  await commit(publisher.work, "b");
  const second = await publisher.publication(first.signed.manifest.packs);
  const reader = readerOf(publisher, join(temp.path, "home"));
  using git = await watchGit(join(temp.path, "bin"));
  await follow(reader, { ...second, added: [...first.added, ...second.added] });
  assert.deepEqual(await git.seen(), []);
  assert.equal(await fsck(reader), "");
});
