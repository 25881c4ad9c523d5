import assert from "node:assert/strict";
import { join } from "node:path";
import { unpackBudget } from "../../../lib/git_interface/budget.ts";
import { gitFetchPack } from "../../../lib/git_interface/git_fetch_pack.ts";
import type { SignedManifest } from "../../../lib/manifest/types.ts";
import { readState, writeState } from "../../../lib/store/repo_state.ts";
import type { StoredRepository } from "../../../lib/store/stored_repository.ts";
import { commit, FORMATS, git, gitDirOf, tempDir } from "../git_interface/fixture.ts";
import { follow, forever, fsck, Publisher, readerOf, snapshot } from "./fixture.ts";

async function setUp(root: string, format: "sha1" | "sha256" = "sha1") {
  const publisher = await Publisher.create(root, format);
  return { publisher, reader: readerOf(publisher, join(root, "home")) };
}

/** Receives from the working repository itself, as if it were a peer. */
function receive(
  reader: StoredRepository,
  signed: SignedManifest,
  from: string,
  wants = Object.values(signed.manifest.refs),
): Promise<void> {
  return reader.receive(
    signed,
    (into) => gitFetchPack(from, { ...into, ...forever, wants, keep: true }),
    { ...forever, budget: unpackBudget(0) },
  );
}

const statePath = (reader: StoredRepository) => join(reader.path, "gtr", "state.json");
const announce = { flow: "announce" };

for (const format of FORMATS) {
  Deno.test(`a ${format} repository that is only announced is received, in few packs`, async () => {
    await using temp = await tempDir();
    const { publisher, reader } = await setUp(temp.path, format);
    for (let i = 0; i < 20; i++) {
      await commit(publisher.work, `file-${i}`, 2000);
      await receive(reader, await publisher.sign([], announce), gitDirOf(publisher.work));
      assert.ok(await reader.isWhole());
      assert.ok((await reader.packs()).length <= 6);
    }
    assert.equal(await fsck(reader), "");
    assert.deepEqual([await reader.heldPacks(), await reader.retiredPacks()], [[], []]);
    await git(publisher.work, ["commit", "-q", "--amend", "-m", "another"]);
    await receive(reader, await publisher.sign([], announce), gitDirOf(publisher.work));
    assert.equal(await fsck(reader), "");
    assert.equal(
      await git(reader.path, ["rev-parse", "main"]),
      await git(publisher.work, ["rev-parse", "main"]),
    );
  });
}

Deno.test("what was received beside listed packs goes once all of these are here", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  /** Two lines for one file: a peer sends the second as a delta, and packs hold it whole. */
  const change = async (line: string) => {
    await Deno.writeTextFile(join(publisher.work, "a"), `${"many words ".repeat(500)}${line}`);
    await git(publisher.work, ["add", "a"]);
    await git(publisher.work, ["commit", "-qm", line]);
  };
  await change("one");
  const one = await publisher.publication();
  await follow(reader, one);
  await change("two");
  const two = await publisher.publication(one.signed.manifest.packs);
  await receive(reader, two.signed, gitDirOf(publisher.work));
  assert.equal((await reader.packs()).length, 2);
  assert.deepEqual((await reader.heldPacks()).map(({ pack }) => pack), one.signed.manifest.packs);
  assert.equal(await fsck(reader), "");

  await change("three");
  const three = await publisher.publication(two.signed.manifest.packs);
  await follow(reader, three); // without the second pack, whose content is here
  assert.equal((await reader.packs()).length, 3);
  assert.equal(await fsck(reader), "");
  const { packs } = three.signed.manifest;
  await follow(reader, { signed: await publisher.sign(packs), added: two.added });
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack), packs);
  assert.deepEqual(await reader.retiredPacks(), []);
  assert.equal(await fsck(reader), "");
});

Deno.test("a pack that was received is local until one that is listed takes its place, also in an older state", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 4000);
  await receive(reader, await publisher.sign([], announce), gitDirOf(publisher.work));
  const state = (await readState(statePath(reader)))!;
  const [pack] = state.packs;
  assert.deepEqual(state.local, [pack!.sha256]);
  assert.match(pack!.infohash, /^[0-9a-f]{40}$/);

  const { local: _, ...older } = { ...state, packs: [{ ...pack!, infohash: "" }] };
  await writeState(statePath(reader), older);
  assert.deepEqual((await reader.state()).local, [pack!.sha256]);

  await follow(reader, await publisher.publication());
  assert.equal((await reader.state()).local, undefined);
  assert.deepEqual(await reader.retiredPacks(), []);
});

Deno.test("a peer that leaves something out, or breaks off, changes nothing", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 4000);
  const old = await git(publisher.work, ["rev-parse", "main"]);
  await receive(reader, await publisher.sign([], announce), gitDirOf(publisher.work));
  await commit(publisher.work, "b");
  const signed = await publisher.sign([], announce);
  const before = await snapshot(reader.path);
  await assert.rejects(receive(reader, signed, gitDirOf(publisher.work), [old]), {
    code: "missing-objects",
  });
  await assert.rejects(receive(reader, signed, join(temp.path, "nowhere")), { name: /Error/ });
  assert.deepEqual(await snapshot(reader.path), before);
});

Deno.test("a crash on either side of the manifest loses no pack", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 4000);
  await receive(reader, await publisher.sign([], announce), gitDirOf(publisher.work));
  const before = (await readState(statePath(reader)))!;
  await commit(publisher.work, "b", 3000);
  const signed = await publisher.sign([], announce);
  await receive(reader, signed, gitDirOf(publisher.work));
  const after = (await readState(statePath(reader)))!;
  const { sequence } = signed.manifest;

  // The manifest was written, what follows from it was not.
  const { local, packs } = after;
  await writeState(statePath(reader), { ...before, local, planned: { sequence, packs } });
  assert.ok(await reader.isWhole());
  await reader.repair();
  assert.deepEqual(await readState(statePath(reader)), after);
  assert.equal(await fsck(reader), "");

  // It was not written: the plan is void.
  const planned = { sequence: sequence + 1, packs: before.packs };
  await writeState(statePath(reader), { ...after, planned });
  await reader.repair();
  assert.deepEqual(await readState(statePath(reader)), after);
  assert.equal(await fsck(reader), "");
});

Deno.test("where the state is lost, what is only announced is received anew", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 4000);
  const signed = await publisher.sign([], announce);
  await receive(reader, signed, gitDirOf(publisher.work));
  await Deno.remove(statePath(reader));
  assert.ok(!await reader.isWhole());
  assert.equal((await reader.heldTips()).size, 0);
  await receive(reader, signed, gitDirOf(publisher.work));
  assert.ok(await reader.isWhole());
  assert.equal(await fsck(reader), "");
});
