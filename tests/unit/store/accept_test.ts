import assert from "node:assert/strict";
import { join } from "node:path";
import { listRefs } from "../../../lib/git_interface/refs.ts";
import { missingPacks } from "../../../lib/manifest/missing_packs.ts";
import type { Manifest } from "../../../lib/manifest/types.ts";
import { commit, FORMATS, git, tempDir } from "../git_interface/fixture.ts";
import {
  fetchInto,
  follow,
  fsck,
  lenient,
  packRef,
  Publisher,
  readerOf,
  snapshot,
} from "./fixture.ts";

async function setUp(root: string, format: "sha1" | "sha256" = "sha1") {
  const publisher = await Publisher.create(root, format);
  const reader = readerOf(publisher, join(root, "home"));
  return { publisher, reader };
}

const sha256s = (files: readonly { pack: { sha256: string } }[]) =>
  files.map(({ pack }) => pack.sha256);

for (const format of FORMATS) {
  Deno.test(`a ${format} repository is followed through commits, tags and consolidation`, async () => {
    await using temp = await tempDir();
    const { publisher, reader } = await setUp(temp.path, format);
    await commit(publisher.work, "a", 4000);
    const one = await publisher.publication();
    await follow(reader, one);
    const [base] = one.signed.manifest.packs;
    assert.ok(base);
    assert.deepEqual((await reader.manifest())?.bytes, one.signed.bytes);
    assert.equal(await git(reader.path, ["config", "gc.auto"]), "0");

    await commit(publisher.work, "b");
    await git(publisher.work, ["tag", "-am", "v1", "v1"]);
    const two = await publisher.publication([base]);
    await follow(reader, two);
    assert.deepEqual(
      sha256s(await reader.heldPacks()),
      sha256s(two.signed.manifest.packs.map((pack) => ({ pack }))),
    );
    assert.deepEqual(
      await listRefs(reader.path, ["refs"]),
      new Map(Object.entries(await publisher.refs())),
    );
    assert.equal(await fsck(reader), "");

    await git(publisher.work, ["checkout", "-qb", "side"]);
    await commit(publisher.work, "c");
    const three = await publisher.publication(); // one pack for all
    await follow(reader, three);
    assert.equal((await reader.heldPacks()).length, 1);
    assert.deepEqual(
      sha256s(await reader.retiredPacks()),
      sha256s(two.signed.manifest.packs.map((pack) => ({ pack }))),
    );
    assert.equal(await fsck(reader), "");
    const objects = await Array.fromAsync(Deno.readDir(join(reader.path, "objects", "pack")));
    assert.equal(objects.length, 2);
    assert.equal(
      (await Deno.stat(reader.packPath(three.added[0]!.pack.sha256))).mode! & 0o777,
      0o444,
    );

    const clone = join(temp.path, "clone");
    await git(temp.path, ["clone", "-q", reader.path, clone]);
    assert.equal(
      await git(clone, ["rev-parse", "origin/side"]),
      (await publisher.refs())["refs/heads/side"],
    );
  });
}

Deno.test("an empty repository can be followed", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await reader.accept(await publisher.sign([], { refs: {} }), [], lenient);
  assert.equal((await reader.manifest())?.manifest.sequence, 1);
  assert.equal((await reader.heldTips()).size, 0);
  await commit(publisher.work, "a");
  await follow(reader, await publisher.publication());
  assert.equal(await fsck(reader), "");
});

Deno.test("a pack with nothing new need not be fetched; what the reader has is kept instead", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 4000);
  const one = await publisher.publication();
  await follow(reader, one);
  await commit(publisher.work, "b");
  const two = await publisher.publication(one.signed.manifest.packs);
  await follow(reader, two);

  const merged = await publisher.publication(); // the same objects in one pack
  const held = await reader.heldTips();
  assert.ok(merged.added[0]!.pack.tips.every((tip) => held.has(tip)));
  await reader.accept(merged.signed, [], lenient);
  assert.deepEqual(await reader.heldPacks(), []);
  assert.deepEqual(sha256s(await reader.packs()), two.signed.manifest.packs.map((p) => p.sha256));
  assert.deepEqual(await reader.retiredPacks(), []);
  assert.equal(await fsck(reader), "");

  await commit(publisher.work, "c");
  const four = await publisher.publication(merged.signed.manifest.packs);
  await follow(reader, four);
  assert.equal((await reader.packs()).length, 3);
  assert.equal((await reader.heldPacks()).length, 1);
  assert.equal(await fsck(reader), "");

  // Once all packs of the manifest are fetched, the repository is exactly those.
  await follow(reader, { signed: four.signed, added: [...merged.added, ...four.added] });
  assert.deepEqual(await reader.packs(), await reader.heldPacks());
  assert.equal((await reader.retiredPacks()).length, 2);
  assert.equal(await fsck(reader), "");
});

Deno.test("a pack that leaned on one that is gone is found out", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  await commit(publisher.work, "b");
  const two = await publisher.publication(one.signed.manifest.packs);
  await follow(reader, { signed: two.signed, added: [...one.added, ...two.added] });
  await commit(publisher.work, "c");
  const three = await publisher.publication(two.signed.manifest.packs);

  // The manifest keeps the second and third pack and leaves the first one out.
  const without = await publisher.sign(three.signed.manifest.packs.slice(1));
  const before = await snapshot(reader.path);
  const fetched = await fetchInto(reader, three);
  await assert.rejects(reader.accept(without, fetched, lenient), { code: "missing-objects" });
  await Promise.all(fetched.map(({ path }) => Deno.remove(path)));
  assert.deepEqual(await snapshot(reader.path), before);

  // Another order of the same packs is checked anew too, and refused where it doesn't add up.
  const [p1, p2, p3] = three.signed.manifest.packs;
  const turned = await publisher.sign([p2!, p1!, p3!]);
  await assert.rejects(reader.accept(turned, await fetchInto(reader, three), lenient), {
    code: "missing-objects",
  });
});

Deno.test("what is not this repository's next manifest is refused, and nothing changes", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication([], { sequence: 5 });
  await follow(reader, one);
  const before = await snapshot(reader.path);
  const { packs } = one.signed.manifest;

  const rolledBack = await publisher.sign(packs, { sequence: 4 });
  await assert.rejects(reader.accept(rolledBack, [], lenient), { code: "rolled-back" });
  const forked = await publisher.sign(packs, { sequence: 5, description: "another" });
  await assert.rejects(reader.accept(forked, [], lenient), { code: "forked-manifest" });
  const other = await publisher.sign(packs, { sequence: 6, name: "other" });
  await assert.rejects(reader.accept(other, [], lenient), { code: "wrong-name" });
  const stranger = await Publisher.create(temp.path, "sha1", 2);
  const foreign = await stranger.sign(packs, { sequence: 6 });
  await assert.rejects(reader.accept(foreign, [], lenient), { code: "wrong-key" });
  const tip = "a".repeat(64);
  const format: Partial<Manifest> = { objectFormat: "sha256", refs: { "refs/heads/main": tip } };
  await assert.rejects(reader.accept(await publisher.sign([], format), [], lenient), {
    code: "object-format-changed",
  });
  assert.deepEqual(await snapshot(reader.path), before);

  await reader.accept(one.signed, [], lenient); // the same again is fine
  assert.deepEqual(await snapshot(reader.path), before);
});

Deno.test("the sequence number outlives the manifest file, and the state file", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const nine = await publisher.publication([], { sequence: 9 });
  await follow(reader, nine);
  const eight = await publisher.sign(nine.signed.manifest.packs, { sequence: 8 });
  for (const lost of ["manifest.json", "state.json"]) {
    await Deno.remove(join(reader.path, "gtr", lost));
    assert.equal(await reader.highestSequence(), 9);
    await assert.rejects(reader.accept(eight, [], lenient), { code: "rolled-back" }, lost);
    await follow(reader, nine); // mends it
    assert.deepEqual((await reader.manifest())?.bytes, nine.signed.bytes);
    assert.equal(await fsck(reader), "");
  }
});

for (const format of FORMATS) {
  Deno.test(`bad ${format} packs are refused, removed, and leave no trace`, async () => {
    await using temp = await tempDir();
    const { publisher, reader } = await setUp(temp.path, format);
    await commit(publisher.work, "a", 3000);
    const one = await publisher.publication();
    await follow(reader, one);
    await commit(publisher.work, "b", 3000);
    const two = await publisher.publication(one.signed.manifest.packs);
    const before = await snapshot(reader.path);
    const [made] = two.added;
    assert.ok(made);
    const whole = await Deno.readFile(made.packPath);

    const damages: Record<string, (bytes: Uint8Array) => Uint8Array> = {
      "wrong byte": (bytes) => bytes.with(1000, bytes[1000]! ^ 1),
      "truncated": (bytes) => bytes.subarray(0, -1),
      "too long": (bytes) => new Uint8Array([...bytes, 0]),
      "empty": () => new Uint8Array(),
      "no pack at all": (bytes) => new Uint8Array(bytes.length),
    };
    for (const [what, damage] of Object.entries(damages)) {
      const [file] = await fetchInto(reader, two);
      await Deno.writeFile(file!.path, damage(whole));
      await assert.rejects(
        reader.accept(two.signed, [file!], lenient),
        { name: "VerificationError", code: "wrong-pack" },
        what,
      );
      assert.deepEqual(await snapshot(reader.path), before, what);
    }

    // What the publisher signed can be wrong as well.
    const lies: [string, Uint8Array, number][] = [
      ["bad-pack", new Uint8Array(whole.with(100, whole[100]! ^ 1)), made.pack.objects],
      ["bad-pack", new TextEncoder().encode("no pack, but signed for"), 1],
      ["wrong-pack", whole, made.pack.objects + 1],
    ];
    for (const [code, bytes, objects] of lies) {
      const path = join(temp.path, "lie.pack");
      await Deno.writeFile(path, bytes);
      const pack = await packRef(path, objects, [...made.pack.tips]);
      const signed = await publisher.sign([...one.signed.manifest.packs, pack]);
      await assert.rejects(reader.accept(signed, [{ pack, path }], lenient), { code }, code);
      await assert.rejects(Deno.stat(path), Deno.errors.NotFound);
      assert.deepEqual(await snapshot(reader.path), before, code);
    }
    await follow(reader, { ...two, signed: await publisher.sign(two.signed.manifest.packs) });
    assert.equal(await fsck(reader), "");
  });

  Deno.test(`${format} refs and tips must exist, and branches must be commits`, async () => {
    await using temp = await tempDir();
    const { publisher, reader } = await setUp(temp.path, format);
    const tip = await commit(publisher.work, "a");
    const { added: [made] } = await publisher.publication();
    assert.ok(made);
    const blob = await git(publisher.work, ["rev-parse", "HEAD:a"]);
    const none = "1".repeat(tip.length);
    const cases: [string, Partial<Manifest>, string[]][] = [
      ["missing-objects", { refs: { "refs/heads/main": none } }, [tip]],
      ["missing-objects", { refs: { "refs/heads/main": tip, "refs/tags/v1": none } }, [tip]],
      ["missing-objects", {}, [tip, none]],
      ["bad-refs", { refs: { "refs/heads/main": blob } }, [tip]],
    ];
    for (const [code, changes, tips] of cases) {
      const pack = { ...made.pack, tips };
      const signed = await publisher.sign([pack], changes);
      const publication = { signed, added: [{ ...made, pack }] };
      const fetched = await fetchInto(reader, publication);
      await assert.rejects(reader.accept(signed, fetched, lenient), { code });
      assert.equal(await reader.manifest(), undefined);
      assert.equal((await listRefs(reader.path, ["refs"])).size, 0);
    }
    const refs = { "refs/heads/main": tip, "refs/tags/data": blob };
    await follow(reader, { signed: await publisher.sign([made.pack], { refs }), added: [made] });
    assert.equal(await git(reader.path, ["cat-file", "-t", "refs/tags/data"]), "blob");
  });
}

Deno.test("a pack that was not fetched and is needed is missed", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  await commit(publisher.work, "b");
  const two = await publisher.publication(one.signed.manifest.packs);
  for (const added of [[], one.added, two.added]) {
    const fetched = await fetchInto(reader, { signed: two.signed, added });
    await assert.rejects(reader.accept(two.signed, fetched, lenient), { code: "missing-objects" });
    assert.equal(await reader.manifest(), undefined);
  }
});

Deno.test("strict refuses what fsckObjects refuses", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const blob = await git(publisher.work, ["rev-parse", "HEAD:a"]);
  const tree = await git(publisher.work, ["mktree"], `100644 blob ${blob}\t.GIT\n`);
  const odd = await git(publisher.work, ["commit-tree", tree, "-m", "odd"]);
  await git(publisher.work, ["update-ref", "refs/heads/odd", odd]);
  const publication = await publisher.publication();
  const fetched = await fetchInto(reader, publication);
  await assert.rejects(reader.accept(publication.signed, fetched, { ...lenient, strict: true }), {
    code: "bad-pack",
  });
  await follow(reader, publication);
});

Deno.test("a pack that is damaged in the store is found when it is checked again", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 3000);
  const one = await publisher.publication();
  await commit(publisher.work, "b", 3000);
  const two = await publisher.publication(one.signed.manifest.packs);
  await follow(reader, { signed: two.signed, added: [...one.added, ...two.added] });

  await Deno.remove(reader.packPath(one.added[0]!.pack.sha256)); // lost by hand
  const second = reader.packPath(two.added[0]!.pack.sha256);
  const bytes = await Deno.readFile(second);
  await Deno.chmod(second, 0o644);
  await Deno.writeFile(second, bytes.with(500, bytes[500]! ^ 1)); // damaged by hand
  assert.deepEqual(await reader.heldTips(), new Set());

  const fetched = await fetchInto(reader, one);
  await assert.rejects(reader.accept(two.signed, fetched, lenient), { code: "wrong-pack" });
  assert.equal((await reader.heldPacks()).length, 0); // so that the next fetch brings it anew
  await follow(reader, { signed: two.signed, added: [...one.added, ...two.added] });
  assert.equal(await fsck(reader), "");
});

Deno.test("a pack that is lost doesn't count as one that has another's content", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const one = await publisher.publication();
  await commit(publisher.work, "b");
  const two = await publisher.publication(one.signed.manifest.packs);
  await follow(reader, { signed: two.signed, added: [...one.added, ...two.added] });
  const [a, b] = two.signed.manifest.packs;
  assert.ok(a && b);

  await Deno.remove(reader.packPath(a.sha256));
  const merged = await publisher.publication(); // of all, so neither a nor b is needed
  const signed = await publisher.sign([a, merged.added[0]!.pack]);
  const other = readerOf(publisher, join(temp.path, "other")); // has nothing of a
  await assert.rejects(follow(other, { signed, added: two.added }), { code: "missing-objects" });
  await follow(reader, { ...merged, signed }); // b is still there, and leans on a
  assert.deepEqual(sha256s(await reader.packs()), sha256s(merged.added));
  assert.equal(await fsck(reader), "");
  await follow(reader, { signed, added: [...one.added, ...merged.added] });
  assert.deepEqual(await reader.packs(), await reader.heldPacks());
  assert.equal(await fsck(reader), "");
});

Deno.test("what only packs behind a lost one need is not asked for where others have it", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  await git(publisher.work, ["checkout", "-q", "-b", "other"]);
  await commit(publisher.work, "o");
  await git(publisher.work, ["checkout", "-q", "main"]);
  const one = await publisher.publication();
  await follow(reader, one);
  const packs = [...one.signed.manifest.packs];
  for (const name of ["b", "c"]) {
    await commit(publisher.work, name);
    const next = await publisher.publication(packs);
    await follow(reader, next);
    packs.push(next.added[0]!.pack);
  }
  // The publisher packs anew: what main was at first, without the other branch, and all since then.
  await git(publisher.work, ["branch", "-q", "-D", "other"]);
  const main = await git(publisher.work, ["rev-parse", "main"]);
  await git(publisher.work, ["reset", "-q", "--hard", "main~2"]);
  const base = await publisher.pack();
  await git(publisher.work, ["reset", "-q", "--hard", main]);
  const anew = await publisher.publication([base.pack]);

  await Deno.remove(reader.packPath(packs[1]!.sha256));
  const has = {
    packs: new Set(sha256s(await reader.packs())),
    objects: await reader.heldTips(),
  };
  assert.deepEqual(missingPacks(anew.signed.manifest, has), [anew.added[0]!.pack]);
  await follow(reader, anew);
  const kept = [packs[0]!.sha256, anew.added[0]!.pack.sha256];
  assert.deepEqual(sha256s(await reader.packs()), kept);
  assert.ok(await reader.isWhole());
  assert.equal(await fsck(reader), "");
  await follow(reader, { ...anew, added: [] }); // as often as one likes
  assert.deepEqual(sha256s(await reader.packs()), kept);
});

Deno.test("what is in force is mended also where a newer one was seen", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a");
  const before = await publisher.publication();
  const one = await publisher.publication();
  await follow(reader, one);
  await reader.writeState({ sequence: one.signed.manifest.sequence + 2 });
  await Deno.remove(reader.packPath(one.added[0]!.pack.sha256));
  await assert.rejects(follow(reader, before), { code: "rolled-back" });
  await follow(reader, one);
  assert.ok(await reader.isWhole());
  const next = await publisher.publication();
  await assert.rejects(follow(reader, next), { code: "rolled-back" });
});

Deno.test("accepting stops when it is told to, and changes nothing", async () => {
  await using temp = await tempDir();
  const { publisher, reader } = await setUp(temp.path);
  await commit(publisher.work, "a", 8_000_000);
  const publication = await publisher.publication();
  const fetched = await fetchInto(reader, publication);
  const before = await snapshot(reader.path);
  const stop = new AbortController();
  const progress = () => stop.abort(new Error("enough"));
  await assert.rejects(
    reader.accept(publication.signed, fetched, { signal: stop.signal, strict: false, progress }),
    { message: "enough" },
  );
  assert.deepEqual(await snapshot(reader.path), before); // the fetched pack stays for the next time
  await reader.accept(publication.signed, fetched, lenient);
});
