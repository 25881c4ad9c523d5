import assert from "node:assert/strict";
import { GtrError } from "../../../../lib/common/errors.ts";
import {
  followRepository,
  maySeed,
  unfollowRepository,
} from "../../../../lib/engine/follow/follow.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import type { RepoAddress } from "../../../../lib/identity/address.ts";
import { soon } from "../fixture.ts";
import { MemoryNode } from "../memory_network.ts";
import { world } from "../world.ts";

const follow = async (parts: EngineParts, address: RepoAddress) => {
  using wait = soon();
  return await followRepository(parts, address, wait);
};
const clone = async (parts: EngineParts, address: RepoAddress) => {
  using wait = soon();
  return await syncRepository(parts, address, wait);
};
const unfollow = async (parts: EngineParts, address: RepoAddress, keep = false) => {
  using wait = soon();
  return await unfollowRepository(parts, address, keep, wait);
};
const names = async ({ store }: EngineParts) =>
  (await store.repositories()).map(({ name }) => name).toSorted();
const coded = (code: string) => (error: unknown) =>
  error instanceof GtrError && error.code === code && error.hint !== undefined;

/** As if it had been used so long ago, in seconds. */
async function usedBefore(parts: EngineParts, publisher: EngineParts, name: string, ago: number) {
  const lastUsed = Math.floor(Date.now() / 1000) - ago;
  await parts.store.repository(publisher.key.publicKeyHex, name).writeState({ lastUsed });
}

Deno.test("follow keeps, unfollow removes, each said when it can't be", async () => {
  await using w = await world();
  await w.publish("one", 1000);
  const reader = await w.reader();
  await follow(reader, w.address("one"));
  await follow(reader, w.address("one"));
  assert.deepEqual(await reader.follows.list(), [
    { scheme: "torrent", publisher: w.publisher.key.publicKeyHex, name: "one" },
  ]);
  assert.equal((await unfollow(reader, w.address("one"), true)).removed, false);
  assert.deepEqual([await reader.follows.list(), await names(reader)], [[], ["one"]]);
  await assert.rejects(unfollow(reader, w.address("one"), true), coded("not-followed"));
  assert.equal((await unfollow(reader, w.address("one"))).removed, true, "a copy only cloned");
  assert.deepEqual(await names(reader), []);
  await assert.rejects(unfollow(reader, w.address("one")), coded("not-followed"));
  await assert.rejects(follow(reader, w.address("nothing")), coded("nobody-answered"));
  await assert.rejects(follow(w.publisher, w.address("one")), coded("own-repository"));
  await assert.rejects(unfollow(w.publisher, w.address("one")), coded("own-repository"));
  assert.deepEqual([await reader.follows.list(), await names(w.publisher)], [[], ["one"]]);
});

Deno.test("what can't be fetched is not followed", async () => {
  await using w = await world();
  await w.publish("one", 1000);
  const reader = await w.reader();
  w.network.seeded.clear();
  await assert.rejects(follow(reader, w.address("one")), { message: "nobody has it" });
  assert.deepEqual(await reader.follows.list(), []);
});

for (const policy of ["cloned", "followed", "none"] as const) {
  Deno.test(`seed.policy ${policy}`, async () => {
    await using w = await world();
    for (const name of ["one", "two"]) await w.publish(name, 1000);
    const reader = await w.reader({ GTR_SEED_POLICY: policy });
    const { repository: one } = await clone(reader, w.address("one"));
    const { repository: two } = await follow(reader, w.address("two"));
    assert.equal(await maySeed(reader, one), policy === "cloned");
    assert.equal(await maySeed(reader, two), policy !== "none");
    for (const repository of [one, two]) {
      w.network.events.length = 0;
      await reader.seeder.offer(repository);
      // What follow has begun to offer may be announced meanwhile.
      const announcement = `announce ${repository.name} `;
      const announced = w.network.events.some((event) => event.startsWith(announcement));
      assert.equal(announced, await maySeed(reader, repository), repository.name);
    }
    await unfollow(reader, w.address("two"), true);
    const { packs } = (await two.manifest())!.manifest;
    const paths = w.network.seeded.get(packs[0]!.sha256)!;
    assert.equal(paths.some((path) => path.startsWith(reader.home.root)), policy === "cloned");
    const own = w.publisher.store.repository(w.publisher.key.publicKeyHex, "one");
    assert.equal(await maySeed({ ...w.publisher, settings: reader.settings }, own), true);
  });
}

Deno.test("a repository over its quota is refused before a byte of it comes", async () => {
  await using w = await world();
  await w.publish("one", 50_000);
  const reader = await w.reader({ GTR_STORE_REPOSITORYQUOTA: "40k" });
  await assert.rejects(clone(reader, w.address("one")), coded("over-quota"));
  assert.deepEqual(w.network.events.filter((event) => event.startsWith("fetch")), []);
  assert.deepEqual(await names(reader), []);
});

Deno.test("an update over quota leaves the old state, until it fits", async () => {
  await using w = await world();
  await w.publish("one", 30_000);
  const reader = await w.reader({ GTR_STORE_REPOSITORYQUOTA: "50000" });
  const { repository, signed } = await follow(reader, w.address("one"));
  assert.equal(reader.quota.isOver(repository, signed.manifest), false);
  await w.publish("one", 30_000);
  await assert.rejects(clone(reader, w.address("one")), coded("over-quota"));
  const { manifest } = (await repository.manifest())!;
  assert.equal(manifest.sequence, signed.manifest.sequence);
  assert.equal(reader.quota.isOver(repository, manifest), true);
});

Deno.test("room is made by evicting copies only cloned, the least recently used first", async () => {
  await using w = await world();
  for (const name of ["a", "b", "c", "d"]) await w.publish(name, 30_000);
  await w.publish("large", 70_000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "145000" });
  for (const name of ["a", "b", "c"]) await clone(reader, w.address(name));
  await follow(reader, w.address("d"));
  await usedBefore(reader, w.publisher, "a", 1000);
  await usedBefore(reader, w.publisher, "b", 3000);
  await usedBefore(reader, w.publisher, "c", 2000);
  await usedBefore(reader, w.publisher, "d", 9000);
  await clone(reader, w.address("large"));
  assert.deepEqual(await names(reader), ["d", "large"].toSorted());
  const evicted = reader.logged.filter((line) => line.startsWith("evicted"));
  assert.deepEqual(evicted.map((line) => line.split(":")[0]), [
    "evicted b",
    "evicted c",
    "evicted a",
  ]);
  assert.ok(w.network.events.includes("forget b"), "its seeds are forgotten");
});

Deno.test("where evicting all that may be would not do, nothing is evicted", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  await w.publish("large", 70_000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "80000" });
  await clone(reader, w.address("a"));
  await follow(reader, w.address("b"));
  await usedBefore(reader, w.publisher, "a", 1000);
  await assert.rejects(clone(reader, w.address("large")), coded("over-quota"));
  assert.deepEqual(await names(reader), ["a", "b"]);
});

Deno.test("a copy used just now, or held by another process, is not evicted", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "50000" });
  const { repository } = await clone(reader, w.address("a"));
  await assert.rejects(clone(reader, w.address("b")), coded("over-quota"));
  await usedBefore(reader, w.publisher, "a", 1000);
  {
    using wait = soon();
    using _lock = await repository.lock(wait);
    await assert.rejects(clone(reader, w.address("b")), coded("over-quota"));
  }
  await clone(reader, w.address("b"));
  assert.deepEqual(await names(reader), ["b"]);
});

Deno.test("two that fit one by one don't fit at the same time: the second is refused", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 30_000);
  const transport = new MemoryNode(w.network);
  const begun = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const fetch = transport.fetch.bind(transport);
  transport.fetch = async (...args) => {
    begun.resolve();
    await go.promise;
    await fetch(...args);
  };
  const reader = await w.reader({ GTR_STORE_QUOTA: "50000" }, transport);
  const first = clone(reader, w.address("a"));
  await begun.promise;
  await assert.rejects(clone(reader, w.address("b")), coded("over-quota"));
  go.resolve();
  await first;
  assert.deepEqual(await names(reader), ["a"]);
});

Deno.test("a network that sends more than was signed is cut off in mid-fetch", async () => {
  await using w = await world();
  const { packs: [pack] } = await w.publish("a", 30_000);
  const transport = new MemoryNode(w.network);
  transport.fetch = (_pack, _from, _into, wait) =>
    new Promise((_, reject) => {
      wait.signal.addEventListener("abort", () => reject(wait.signal.reason));
      wait.progress?.(pack!.size + 1, pack!.size, "receiving");
    });
  const reader = await w.reader({}, transport);
  await assert.rejects(
    clone(reader, w.address("a")),
    (error) => error instanceof GtrError && error.code === "wrong-pack",
  );
});
