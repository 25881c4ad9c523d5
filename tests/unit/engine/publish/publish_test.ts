import assert from "node:assert/strict";
import { join } from "node:path";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import {
  type Publication,
  publishedManifest,
  publishState,
} from "../../../../lib/engine/publish/publish.ts";
import type { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import { initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, git, makeParts, soon, tempDir } from "../fixture.ts";

const main = "refs/heads/main";

/** One publisher, and one commit that is published. */
async function publisher() {
  const temp = await tempDir();
  const parts = await makeParts(temp.path);
  const work = await initRepository(join(temp.path, "work"));
  const repository = parts.store.repository(parts.key.publicKeyHex, "hello");
  const publish = async (
    refs: Readonly<Record<string, string>>,
    changes: Partial<Publication> = {},
  ) => {
    using wait = soon();
    return await publishState(parts, repository, {
      refs,
      head: main,
      objectFormat: "sha1",
      objectDirs: [objectsOf(work)],
      ...changes,
    }, wait);
  };
  const first = await emptyCommit(work, { branch: "main" });
  return {
    temp,
    parts,
    work,
    repository,
    publish,
    first,
    published: await publish({ [main]: first }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

/** The store serves what it published, and holds nothing that was left lying. */
async function assertSound(repository: StoredRepository): Promise<void> {
  assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
  const manifest = (await repository.manifest())!.manifest;
  assert.equal((await repository.heldPacks()).length, manifest.packs.length);
  for (const [ref, oid] of Object.entries(manifest.refs)) {
    assert.equal(await git(repository.path, ["rev-parse", ref]), oid);
  }
  await assert.rejects(Deno.stat(repository.outgoingPath), Deno.errors.NotFound);
}

Deno.test("the same state again is no publication", async () => {
  await using p = await publisher();
  assert.equal(p.published.changed, true);
  const again = await p.publish({ [main]: p.first });
  assert.deepEqual(again.signed, p.published.signed);
  assert.equal(again.changed, false);
  await assertSound(p.repository);
});

Deno.test("every other state is one: refs without new objects, HEAD, description", async () => {
  await using p = await publisher();
  const { packs, sequence } = p.published.signed.manifest;
  let last = sequence;
  const tagged = { [main]: p.first, "refs/tags/v1": p.first };
  const others: [Record<string, string>, Partial<Publication>][] = [
    [tagged, {}],
    [tagged, { head: "refs/heads/dev" }],
    [tagged, { description: "greets" }],
    [{}, {}],
  ];
  for (const [refs, changes] of others) {
    const { signed, changed } = await p.publish(refs, changes);
    assert.equal(changed, true);
    assert.deepEqual(signed.manifest.packs, packs, "no new pack");
    assert.ok(signed.manifest.sequence > last);
    last = signed.manifest.sequence;
  }
  assert.equal((await p.repository.manifest())?.manifest.description, "greets");
});

Deno.test("a sequence number is never below the clock, and always above those before", async () => {
  await using p = await publisher();
  const before = Date.now();
  const numbers: number[] = [];
  for (const description of ["one", "two"]) {
    numbers.push((await p.publish({ [main]: p.first }, { description })).signed.manifest.sequence);
  }
  assert.ok(numbers[0]! >= before && numbers[1]! > numbers[0]! && numbers[1]! <= Date.now() + 1000);

  // A clock that was fast once: another machine's, or this one's.
  const ahead = Date.now() + 1e9;
  await p.repository.writeState({ sequence: ahead });
  let last = ahead;
  const turns = new Set<number>();
  for (const description of ["three", "four", "five"]) {
    const { sequence, writers } = (await p.publish({ [main]: p.first }, { description }))
      .signed.manifest;
    assert.ok(sequence > last && sequence <= last + 1000, `${sequence} after ${last}`);
    assert.deepEqual(Object.values(writers!), [sequence]);
    turns.add(sequence % 1000);
    last = sequence;
  }
  assert.equal(turns.size, 1, "no other machine's number");
});

Deno.test("annotated tags are told with what they lead to", async () => {
  await using p = await publisher();
  await git(p.work, ["tag", "-a", "-m", "one", "v1"]);
  await git(p.work, ["tag", "-a", "-m", "of a tag", "v2", "v1"]);
  await git(p.work, ["tag", "light"]);
  const oid = (name: string) => git(p.work, ["rev-parse", `refs/tags/${name}`]);
  const refs = {
    [main]: p.first,
    "refs/tags/v1": await oid("v1"),
    "refs/tags/v2": await oid("v2"),
    "refs/tags/light": p.first,
  };
  const expected = { "refs/tags/v1": p.first, "refs/tags/v2": p.first };
  const { signed } = await p.publish(refs);
  assert.deepEqual(signed.manifest.peeled, expected);
  const second = await emptyCommit(p.work, { parent: p.first });
  const next = await p.publish({ ...refs, [main]: second });
  assert.deepEqual(next.signed.manifest.peeled, expected, "kept for tags that stay");
});

Deno.test("the root commit is told, and stays while history grows", async () => {
  await using p = await publisher();
  assert.equal(p.published.signed.manifest.root, p.first);
  const second = await emptyCommit(p.work, { parent: p.first });
  assert.equal((await p.publish({ [main]: second })).signed.manifest.root, p.first);
  const elsewhere = await p.publish({ [main]: second }, { head: "refs/heads/dev" });
  assert.equal("root" in elsewhere.signed.manifest, false);
  const other = await emptyCommit(p.work);
  assert.equal((await p.publish({ [main]: other })).signed.manifest.root, other);
});

type Damage = (repository: StoredRepository, parts: EngineParts) => Promise<void>;
const damages: Record<string, Damage> = {
  "its only pack is lost": async (repository) => {
    for (const { path } of await repository.heldPacks()) await Deno.remove(path);
  },
  "a pack is cut short": async (repository) => {
    for (const { path } of await repository.heldPacks()) {
      await Deno.chmod(path, 0o644);
      await Deno.truncate(path, 20);
    }
  },
  "an index is lost": async (repository) => {
    for (const { path } of await repository.heldPacks()) {
      await Deno.remove(path.replace(/pack$/, "idx"));
    }
  },
  "the manifest is damaged": async (repository) => {
    await Deno.writeTextFile(join(repository.path, "gtr", "manifest.json"), "{");
  },
  "the manifest is lost": async (repository) => {
    await Deno.remove(join(repository.path, "gtr", "manifest.json"));
  },
};

for (const [what, damage] of Object.entries(damages)) {
  Deno.test(`a store is mended from the working repository where ${what}`, async () => {
    await using p = await publisher();
    const { sequence } = p.published.signed.manifest;
    await damage(p.repository, p.parts);
    const { signed, changed } = await p.publish({ [main]: p.first });
    assert.equal(changed, true);
    assert.ok(signed.manifest.sequence > sequence);
    await assertSound(p.repository);
    assert.equal((await p.publish({ [main]: p.first })).changed, false);
  });
}

Deno.test("a failed publication changes nothing and leaves nothing behind", async () => {
  await using p = await publisher();
  await assert.rejects(p.publish({ [main]: "1".repeat(40) }), { code: "incomplete-repository" });
  const second = await emptyCommit(p.work, { parent: p.first });
  await assert.rejects(p.publish({ [main]: second, "refs/heads/main/x": p.first }), {
    code: "bad-manifest",
  });
  await assertSound(p.repository);
  assert.deepEqual(await p.repository.manifest(), p.published.signed);
});

Deno.test("an aborted publication ends with the reason and leaves nothing behind", async () => {
  await using p = await publisher();
  const controller = new AbortController();
  const second = await emptyCommit(p.work, { parent: p.first });
  const publication = publishState(p.parts, p.repository, {
    refs: { [main]: second },
    head: main,
    objectFormat: "sha1",
    objectDirs: [objectsOf(p.work)],
  }, { signal: controller.signal });
  controller.abort(new Error("the client left"));
  await assert.rejects(publication, /the client left/);
  await assertSound(p.repository);
});

Deno.test("a name that was published with other object ids is refused with a hint", async () => {
  await using p = await publisher();
  await assert.rejects(publishedManifest(p.repository, "sha256"), {
    code: "other-object-format",
    hint: /another name/,
  });
  const other = p.parts.store.repository(p.parts.key.publicKeyHex, "other");
  assert.equal(await publishedManifest(other, "sha256"), undefined);
  assert.deepEqual(await publishedManifest(p.repository, "sha1"), p.published.signed.manifest);
});

Deno.test("taking a branch out drops its objects from the store at once", async () => {
  await using p = await publisher();
  const secret = await emptyCommit(p.work, { parent: p.first, text: "secret" });
  const refs = { [main]: p.first, "refs/heads/secret": secret };
  await p.publish(refs);
  assert.equal(await git(p.repository.path, ["cat-file", "-t", secret]), "commit");
  await p.publish({ [main]: p.first }, { fromScratch: true });
  await assert.rejects(git(p.repository.path, ["cat-file", "-t", secret]));
  assert.deepEqual(await p.repository.retiredPacks(), []);
  await assertSound(p.repository);
});
