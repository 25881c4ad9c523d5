/** What is on the disk counts, whole or not, and some of the disk is left free. */
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { deadline } from "../../../../lib/common/wait.ts";
import { followRepository } from "../../../../lib/engine/follow/follow.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import type { RepoAddress } from "../../../../lib/identity/address.ts";
import { diskSpace } from "../../../../lib/store/disk_usage.ts";
import type { Manifest } from "../../../../lib/manifest/types.ts";
import { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import { canMount, smallDisk } from "../../../../scripts/local/disk.ts";
import { makeParts, soon } from "../fixture.ts";
import { MemoryNode } from "../memory_network.ts";
import { world } from "../world.ts";

const clone = async (parts: EngineParts, address: RepoAddress) => {
  using wait = soon();
  return await syncRepository(parts, address, wait);
};
const follow = async (parts: EngineParts, address: RepoAddress) => {
  using wait = soon();
  return await followRepository(parts, address, wait);
};

/** Writes so many bytes of each pack, then fails. */
class Failing extends MemoryNode {
  bytes: number | undefined;

  override async fetch(...args: Parameters<MemoryNode["fetch"]>): Promise<void> {
    if (this.bytes === undefined) return await super.fetch(...args);
    await Deno.writeFile(args[2], new Uint8Array(this.bytes).fill(1));
    throw new NetworkError("dead", "it is dead");
  }
}

Deno.test("packs that were not fetched to their end count, and are given up first", async () => {
  await using w = await world();
  for (const name of ["kept", "broken"]) await w.publish(name, 30_000);
  await w.publish("new", 60_000);
  const transport = new Failing(w.network);
  const reader = await w.reader({ GTR_STORE_QUOTA: "120000" }, transport);
  await follow(reader, w.address("kept"));
  const before = await reader.quota.used();
  assert(before > 30_000 && before < 50_000, `${before}`);

  await w.publish("kept", 30_000);
  transport.bytes = 20_000;
  for (const name of ["kept", "broken"]) {
    await assert.rejects(clone(reader, w.address(name)), { code: "dead" });
  }
  const unfinished = await reader.quota.used() - before;
  assert(unfinished > 35_000 && unfinished < 45_000, `${unfinished}`);
  transport.bytes = undefined;
  await clone(reader, w.address("new"));
  const given = reader.logged.filter((line) => line.startsWith("gave up"));
  assert(given.length > 0, reader.logged.join("\n"));
  assert(await reader.quota.used() <= 120_000 + 4096); // indexes come on top
  // What was given up only takes longer.
  await reader.store.repository(w.publisher.key.publicKeyHex, "new").writeState({ lastUsed: 1 });
  await clone(reader, w.address("kept"));
});

Deno.test("what a killed process left counts, and what another fetch needs is not given up", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  const transport = new Failing(w.network);
  const reader = await w.reader({ GTR_STORE_QUOTA: "90000" }, transport);
  const { repository } = await clone(reader, w.address("a"));
  const before = await reader.quota.used();
  const left = join(repository.path, "gtr", "quarantine-0");
  await Deno.mkdir(left);
  await Deno.writeFile(join(left, "tmp_pack_1"), new Uint8Array(50_000).fill(1));
  assert.equal(await reader.quota.used() - before, 50_000);
  await assert.rejects(clone(reader, w.address("b")), { code: "over-quota" });
  await repository.repair();
  transport.bytes = 10_000;
  await assert.rejects(clone(reader, w.address("b")), { code: "dead" });
  transport.bytes = undefined;
  await clone(reader, w.address("b"));
  assert.deepEqual(reader.logged.filter((line) => line.startsWith("gave up")), []);
});

Deno.test("what was fetched of a publication that was replaced is given up", async () => {
  await using w = await world();
  const { packs: [first] } = await w.publish("a", 30_000);
  const transport = new Failing(w.network);
  const reader = await w.reader({}, transport);
  transport.bytes = 10_000;
  await assert.rejects(clone(reader, w.address("a")), { code: "dead" });
  const repository = reader.store.repository(w.publisher.key.publicKeyHex, "a");
  const path = repository.incomingPath(first!.sha256);
  assert.equal((await Deno.stat(path)).size, 10_000);
  transport.bytes = undefined;
  await w.publish("a", 300_000);
  await clone(reader, w.address("a"));
  assert.deepEqual(await Array.fromAsync(Deno.readDir(dirname(path))), []);
});

Deno.test("what is left beyond all that is fetched is given to one of them only", async () => {
  await using w = await world();
  const [a, b] = [await w.publish("a", 30_000), await w.publish("b", 30_000)];
  const reader = await w.reader({ GTR_STORE_QUOTA: "120000" });
  const of = ({ name }: Manifest) => reader.store.repository(w.publisher.key.publicKeyHex, name);
  using first = await reader.quota.reserve(of(a), a, a.packs);
  using second = await reader.quota.reserve(of(b), b, b.packs);
  assert(first.spare(40_000));
  assert(!second.spare(40_000));
  first.spare(-40_000);
  assert(second.spare(40_000));
  const c = await w.publish("c", 30_000);
  await assert.rejects(reader.quota.reserve(of(c), c, c.packs), { code: "over-quota" });
});

/** A pack that takes this share of what is free of the disk. */
const share = (free: number, part: number, digit: string) => [{
  size: Math.floor(free * part),
  sha256: digit.repeat(64),
}];

Deno.test("of the disk each fetch takes what it may need while git copies, and what is spare", async () => {
  await using w = await world();
  const a = await w.publish("a", 1000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "0", GTR_STORE_FREEDISK: "0" });
  const { free } = await diskSpace(reader.home.root);
  const of = (name: string) => reader.store.repository(w.publisher.key.publicKeyHex, name);
  const reserve = (name: string, part: number) =>
    reader.quota.reserve(of(name), { ...a, name }, share(free, part, name));
  const full = { code: "disk-full" };
  await assert.rejects(reserve("a", 0.6), full, "git copies what was fetched");
  {
    using first = await reserve("a", 0.25);
    await assert.rejects(reserve("b", 0.3), full);
    {
      using _second = await reserve("b", 0.2);
      assert(!first.spare(free * 0.25), "there is a tenth left");
    }
    using _third = await reserve("b", 0.05);
    assert(first.spare(free * 0.25), "there are four");
    assert(!first.spare(free * 0.25), "it is given once");
    await assert.rejects(reserve("c", 0.12), full, "what was given isn't free any more");
    first.spare(-free * 0.25);
    using _other = await reserve("c", 0.12);
  }
  using _all = await reserve("d", 0.4); // all is given back
});

Deno.test("what a live peer may send is bound by what is listed, by each quota and by the disk", async () => {
  await using w = await world();
  const manifest = await w.publish("a", 30_000);
  const listed = manifest.packs.reduce((sum, { size }) => sum + size, 0) + (1 << 20);
  const announced = { ...manifest, packs: [], flow: "announce" };
  const repository = (parts: EngineParts, name = "a") =>
    parts.store.repository(w.publisher.key.publicKeyHex, name);
  const room = async (env: Record<string, string>, of: Manifest = announced) => {
    const reader = await w.reader(env);
    using given = await reader.quota.room(repository(reader), of);
    return { bytes: given.bytes, error: given.exceeded() };
  };
  const plenty = await room({}, manifest);
  assert.deepEqual([plenty.bytes, plenty.error.code], [listed, "oversized-stream"]);
  const quota = await room({ GTR_STORE_QUOTA: "5000" });
  assert.deepEqual([quota.bytes, quota.error.code], [5000, "over-quota"]);
  assert.match(quota.error.message, /^can't fetch a: it takes more than the 5000 bytes that /);
  const one = await room({ GTR_STORE_REPOSITORYQUOTA: "4000" });
  assert.deepEqual([one.bytes, one.error.code], [4000, "over-quota"]);
  const disk = await room({ GTR_STORE_QUOTA: "0" });
  assert.equal(disk.error.code, "disk-full");
  assert(disk.bytes > 0 && Number.isFinite(disk.bytes));
  await assert.rejects(room({ GTR_STORE_FREEDISK: "8000t" }), { code: "disk-full" });

  const own = await w.publisher.quota.room(repository(w.publisher), announced);
  assert.deepEqual([own.bytes, own.exceeded().code], [Infinity, "oversized-stream"]);
  own[Symbol.dispose]();

  const reader = await w.reader({ GTR_STORE_QUOTA: "45000" });
  await clone(reader, w.address("a"));
  const held = await reader.quota.used();
  using rest = await reader.quota.room(repository(reader, "b"), { ...announced, name: "b" });
  assert.equal(rest.bytes, 45_000 - held, "a copy that is in use stays");
  await repository(reader).writeState({ lastUsed: 1 });
  using all = await reader.quota.room(repository(reader, "b"), { ...announced, name: "b" });
  assert.equal(all.bytes, 45_000, "and goes once it isn't");
  await reader.follows.add(
    { scheme: "torrent", publisher: manifest.publisher, name: "a" },
    soon().signal,
  );
  using kept = await reader.quota.room(repository(reader, "b"), { ...announced, name: "b" });
  assert.equal(kept.bytes, 45_000 - await reader.quota.used());

  const seed = Number(basename(reader.home.root).split("-")[1]);
  const tight = await makeParts(dirname(reader.home.root), [], {
    seed,
    env: { GTR_STORE_QUOTA: "1000" },
  });
  await assert.rejects(tight.quota.room(repository(tight, "b"), { ...announced, name: "b" }), {
    code: "over-quota",
    message: /more than the 0 bytes that/,
  });
});

Deno.test("a copy that is used before its turn comes is not evicted", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "45000" });
  const { repository } = await clone(reader, w.address("a"));
  await repository.writeState({ lastUsed: 1 });
  const { tryLock } = StoredRepository.prototype;
  StoredRepository.prototype.tryLock = async function () {
    StoredRepository.prototype.tryLock = tryLock;
    await this.writeState({ lastUsed: 2 });
    return await this.tryLock();
  };
  try {
    await assert.rejects(clone(reader, w.address("b")), { code: "over-quota" });
  } finally {
    StoredRepository.prototype.tryLock = tryLock;
  }
  assert(await repository.exists());
  await clone(reader, w.address("b"));
  assert.equal(await repository.exists(), false);
});

Deno.test("nothing of others is fetched where that would leave too little of the disk", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  const rich = await w.reader();
  await clone(rich, w.address("a"));
  const reader = await w.reader({ GTR_STORE_FREEDISK: "8000t" });
  const full = { name: "StoreError", code: "disk-full", hint: /store\.freeDisk/ };
  await assert.rejects(clone(reader, w.address("a")), full);
  await assert.rejects(follow(reader, w.address("a")), full);
  const { manifest } = (await rich.store.repository(w.publisher.key.publicKeyHex, "a").manifest())!;
  const repository = reader.store.repository(manifest.publisher, "a");
  assert.equal(reader.quota.isOver(repository, manifest), false, "no quota is in the way");
  assert.equal(w.network.events.filter((event) => event.startsWith("fetch")).length, 1);
  const none = await w.reader({ GTR_STORE_FREEDISK: "0" });
  await clone(none, w.address("a"));
});

Deno.test({
  name: "copies only cloned are evicted for free space (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using disk = (await smallDisk(10))!;
    await using w = await world();
    for (const name of ["a", "b"]) await w.publish(name, 2_000_000);
    const parts = await makeParts(disk.path, [new MemoryNode(w.network)], { seed: 9 });
    const { repository } = await clone(parts, w.address("a"));
    await Deno.writeFile(join(disk.path, "mine"), new Uint8Array(3_500_000).fill(1));
    await assert.rejects(clone(parts, w.address("b")), { code: "disk-full" });
    await repository.writeState({ lastUsed: 1 });
    await clone(parts, w.address("b"));
    assert.equal(await repository.exists(), false);
  },
});

Deno.test({
  name: "copies whose packs a clone holds, too, free nothing and stay (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using disk = (await smallDisk(12))!;
    await using w = await world();
    for (const name of ["a", "b", "c"]) await w.publish(name, 2_000_000);
    const parts = await makeParts(disk.path, [new MemoryNode(w.network)], { seed: 9 });
    const copies = [];
    for (const [i, name] of ["a", "b"].entries()) {
      const { repository } = await clone(parts, w.address(name));
      await repository.writeState({ lastUsed: 1 + i });
      copies.push(repository);
    }
    for (const { path } of await copies[0]!.packs()) {
      for (const kind of ["pack", "idx"]) {
        await Deno.link(path.replace(/pack$/, kind), join(disk.path, `mine.${kind}`));
      }
    }
    await Deno.writeFile(join(disk.path, "mine"), new Uint8Array(3_500_000).fill(1));
    await clone(parts, w.address("c"));
    assert.deepEqual(await Promise.all(copies.map((copy) => copy.exists())), [true, false]);
  },
});

Deno.test({
  name: "a fetch ends once somebody else fills the disk (needs the right to mount)",
  ignore: !await canMount(),
  fn: async () => {
    await using disk = (await smallDisk(20))!;
    await using w = await world();
    await w.publish("a", 1_000_000);
    const transport = new MemoryNode(w.network);
    const begun = Promise.withResolvers<void>();
    transport.fetch = (_pack, _from, _into, wait) =>
      new Promise((_, reject) => {
        // It would send a little from time to time, for ever.
        const drip = setInterval(() => wait.progress?.(++done, 1_000_000, "receiving"), 100);
        let done = 0;
        wait.signal.addEventListener("abort", () => {
          clearInterval(drip);
          reject(wait.signal.reason);
        });
        begun.resolve();
      });
    const parts = await makeParts(disk.path, [transport], { seed: 9 });
    using limit = deadline(60_000, "the fetch to end");
    const cloning = syncRepository(parts, w.address("a"), limit);
    cloning.catch(() => {});
    await begun.promise;
    await Deno.writeFile(join(disk.path, "mine"), new Uint8Array(20_500_000).fill(1));
    await assert.rejects(cloning, { code: "disk-full", message: /no space left/ });
  },
});
