/** Packs that were made as one, and split: what readers make of them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { missingPacks } from "../../../lib/manifest/missing_packs.ts";
import type { AddedPack } from "../../../lib/store/commit_manifest.ts";
import { gitFetchPack } from "../../../lib/git_interface/git_fetch_pack.ts";
import { commit, git, gitDirOf, tempDir } from "../git_interface/fixture.ts";
import {
  fetchInto,
  follow,
  forever,
  fsck,
  lenient,
  Publisher,
  readerOf,
  snapshot,
} from "./fixture.ts";

const LIMIT = 2 ** 20;

const noise = () => randomBytes(700_000);

/** A publisher of a few commits that take several packs, and a reader. */
async function setUp(root: string, format: "sha1" | "sha256" = "sha1") {
  const publisher = await Publisher.create(root, format);
  for (const name of ["a", "b", "c"]) {
    await Deno.mkdir(join(publisher.work, name));
    for (const file of ["x", "y"]) await commit(publisher.work, join(name, file), 400_000);
  }
  return {
    publisher,
    reader: readerOf(publisher, join(root, "home")),
    parts: await publisher.split([], LIMIT),
  };
}

/** These parts as a group: the last one has the tips. */
function inOrder(parts: readonly AddedPack[], tips: readonly string[]): AddedPack[] {
  return parts.map((part, i) => ({
    ...part,
    pack: { ...part.pack, tips: i === parts.length - 1 ? tips : [] },
  }));
}

const packsOf = (parts: readonly AddedPack[]) => parts.map(({ pack }) => pack);

for (const format of ["sha1", "sha256"] as const) {
  Deno.test(`${format} packs that were made as one are accepted in any order, and built on`, async () => {
    await using temp = await tempDir();
    const { publisher, parts } = await setUp(temp.path, format);
    assert.ok(parts.length >= 3);
    const signed = [];
    for (const order of [parts, [...parts].reverse()]) {
      const added = inOrder(order, parts.at(-1)!.pack.tips);
      signed.push({ signed: await publisher.sign(packsOf(added)), added });
    }
    await commit(publisher.work, "next");
    const [base] = signed;
    const next = await publisher.publication(base!.signed.manifest.packs);
    for (const [i, first] of signed.entries()) {
      for (const strict of [false, true]) {
        const reader = readerOf(publisher, join(temp.path, `home-${i}-${strict}`));
        const fetched = await fetchInto(reader, first);
        await reader.accept(first.signed, fetched, { ...lenient, strict });
        assert.equal(await fsck(reader), "");
        const [tip] = Object.values(first.signed.manifest.refs);
        assert.ok((await reader.heldTips()).has(tip!));
        await follow(reader, next); // its packs have another order, in one case
        assert.equal(await fsck(reader), "");
        assert.deepEqual(
          packsOf(next.added),
          missingPacks(next.signed.manifest, {
            packs: new Set(),
            objects: new Set([tip!]),
          }),
        );
      }
    }
  });
}

Deno.test("the first of several packs is indexed while it arrives, or with the others", async () => {
  await using temp = await tempDir();
  const { publisher, parts } = await setUp(temp.path);
  for (const [i, order] of [parts, [...parts].reverse()].entries()) {
    const added = inOrder(order, parts.at(-1)!.pack.tips);
    const signed = await publisher.sign(packsOf(added));
    const reader = readerOf(publisher, join(temp.path, `home-${i}`));
    await reader.create("sha1");
    await Deno.mkdir(join(reader.incomingPath(added[0]!.pack.sha256), ".."), { recursive: true });
    await using early = reader.indexEarly(signed.manifest.packs[0]!, { strict: false });
    const fetched = await fetchInto(reader, { signed, added });
    await reader.accept(signed, fetched, { ...lenient, early });
    assert.equal(await fsck(reader), "");
  }
});

Deno.test("without one of the packs that were made as one the others are refused", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  const orders = [parts, [...parts].reverse()];
  for (
    const [lost, order] of parts.flatMap((lost) => orders.map((order) => [lost, order] as const))
  ) {
    const added = inOrder(order.filter((part) => part !== lost), parts.at(-1)!.pack.tips);
    const signed = await publisher.sign(packsOf(added));
    const fetched = await fetchInto(reader, { signed, added });
    const before = await snapshot(reader.path);
    await assert.rejects(reader.accept(signed, fetched, lenient), { code: "missing-objects" });
    assert.deepEqual(await snapshot(reader.path), before);
  }
});

Deno.test("what only the first of several packs names has to be in one after it", async () => {
  await using temp = await tempDir();
  const publisher = await Publisher.create(temp.path);
  for (const file of ["x", "y"]) await Deno.writeFile(join(publisher.work, file), noise());
  await git(publisher.work, ["add", "."]);
  await commit(publisher.work, "z", 700_000);
  const parts = (await publisher.split([], LIMIT)).reverse(); // commit and tree, a file, a file
  assert.equal(parts.length, 3);
  const { tips } = parts[0]!.pack;
  for (const strict of [false, true]) {
    const reader = readerOf(publisher, join(temp.path, `home-${strict}`));
    const accept = async (order: readonly AddedPack[]) => {
      const added = inOrder(order, tips);
      const signed = await publisher.sign(packsOf(added));
      const fetched = await fetchInto(reader, { signed, added });
      await reader.accept(signed, fetched, { ...lenient, strict });
    };
    await assert.rejects(accept([parts[0]!, parts[1]!]), { code: "missing-objects" });
    await assert.rejects(accept([parts[0]!, parts[2]!]), { code: "missing-objects" });
    await accept(parts);
    assert.equal(await fsck(reader), "");
  }
});

Deno.test("a pack that others were checked with can't be left out later", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  const [first, ...rest] = packsOf(parts);
  await follow(reader, { signed: await publisher.sign([first!, ...rest]), added: parts });
  const blobs = await publisher.sign([{ ...first!, tips: rest.at(-1)!.tips }]);
  await assert.rejects(reader.accept(blobs, [], lenient), { code: "missing-objects" });
});

Deno.test("where one of several packs is lost, only that one is fetched again", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  const signed = await publisher.sign(packsOf(parts));
  await follow(reader, { signed, added: parts });
  for (const [i, { pack }] of parts.entries()) {
    await Deno.remove(reader.packPath(pack.sha256));
    assert.equal((await reader.heldTips()).size, 0, `without part ${i}`);
    const held = new Set((await reader.packs()).map(({ pack }) => pack.sha256));
    const missing = missingPacks(signed.manifest, {
      packs: held,
      objects: await reader.heldTips(),
    });
    assert.deepEqual(missing, [pack]);
    await follow(reader, { signed, added: [parts[i]!] });
    assert.ok(await reader.isWhole());
    assert.equal(await fsck(reader), "");
  }
});

Deno.test("several packs of which one is lost are nothing that a live fetch builds on", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  const base = inOrder(parts, parts.at(-1)!.pack.tips);
  await commit(publisher.work, "next");
  const next = await publisher.pack(packsOf(base));
  const signed = await publisher.sign([...packsOf(base), next.pack]);
  await follow(reader, { signed, added: [...base, next] });
  const seen = async () => {
    const names: string[] = [];
    const receiving = reader.receive(signed, async ({ objectDirectory }) => {
      for await (const { name } of Deno.readDir(join(objectDirectory, "pack"))) names.push(name);
      throw new Error("enough");
    }, forever);
    await assert.rejects(receiving, /enough/);
    return names.filter((name) => name.endsWith(".pack")).length;
  };
  assert.equal(await seen(), base.length + 1);
  await Deno.remove(reader.packPath(next.pack.sha256));
  assert.equal(await seen(), base.length);
  await Deno.remove(reader.packPath(base.at(-1)!.pack.sha256));
  assert.equal(await seen(), 0);
});

Deno.test("what a live peer sends is joined with all of several packs, or none", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  await follow(reader, { signed: await publisher.sign(packsOf(parts)), added: parts });
  const names = parts.map(({ pack }) => pack.sha256);
  let commits = 0;
  const receive = async (bytes: number) => {
    await commit(publisher.work, `live-${commits++}`, bytes);
    const signed = await publisher.sign([], { flow: "announce" });
    const wants = Object.values(signed.manifest.refs);
    const from = gitDirOf(publisher.work);
    await reader.receive(
      signed,
      (into) => gitFetchPack(from, { ...into, ...forever, wants, keep: true }),
      forever,
    );
    assert.equal(await fsck(reader), "");
    return (await reader.packs()).map(({ pack }) => pack.sha256);
  };
  // Several add up before any are joined: with each other, or with more than all parts.
  for (const [last, joined] of [[150_000, names], [4_000_000, []]] as const) {
    while ((await reader.packs()).length < 6) {
      assert.deepEqual((await receive(100_000)).slice(0, names.length), names);
    }
    assert.deepEqual((await receive(last)).slice(0, -1), joined);
  }
});

Deno.test("what a live peer sends doesn't part packs that were made as one, though one is listed", async () => {
  await using temp = await tempDir();
  const { publisher, reader, parts } = await setUp(temp.path);
  await follow(reader, { signed: await publisher.sign(packsOf(parts)), added: parts });
  await git(publisher.work, ["checkout", "-q", "--orphan", "anew"]);
  await git(publisher.work, ["branch", "-q", "-D", "main"]);
  await commit(publisher.work, "live", 3_000_000); // more than all parts, which would be joined with it
  const listed = parts.slice(0, -1).map(({ pack }) => ({ ...pack, tips: [] }));
  const other = { ...(await publisher.pack()).pack, sha256: "1".repeat(64) }; // not the one that comes
  const signed = await publisher.sign([...listed, other], { head: "refs/heads/anew" });
  const wants = Object.values(signed.manifest.refs);
  const from = gitDirOf(publisher.work);
  await reader.receive(
    signed,
    (into) => gitFetchPack(from, { ...into, ...forever, wants, keep: true }),
    forever,
  );
  assert.deepEqual((await reader.packs()).map(({ pack }) => pack).slice(0, -1), packsOf(parts));
  assert.equal(await fsck(reader), "");
});
