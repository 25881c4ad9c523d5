/** The store isn't walked for each fetch. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Copies } from "../../../../lib/engine/keep/copies.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import type { Store } from "../../../../lib/store/store.ts";
import type { StoredRepository } from "../../../../lib/store/stored_repository.ts";
import { RepositoryReader } from "../../../../lib/store/repository_reader.ts";
import { soon } from "../fixture.ts";
import { world } from "../world.ts";

/** Counts which copies are looked at, by name. */
function looking() {
  const { usage } = RepositoryReader.prototype;
  const names: string[] = [];
  RepositoryReader.prototype.usage = function (...args) {
    names.push(this.name);
    return usage.apply(this, args);
  };
  return {
    take: () => names.splice(0).sort(),
    [Symbol.dispose]: () => {
      RepositoryReader.prototype.usage = usage;
    },
  };
}

Deno.test("a fetch looks at all copies once a minute, and in between at those that were changed", async () => {
  await using w = await world();
  const reader = await w.reader();
  const fetch = async (name: string) => {
    await w.publish(name, 5000);
    using wait = soon();
    await syncRepository(reader, w.address(name), wait);
  };
  using looked = looking();
  await fetch("a");
  await fetch("b");
  await fetch("c");
  looked.take();
  await fetch("c");
  assert.deepEqual(looked.take(), ["c"]);
  await fetch("a");
  assert.deepEqual(looked.take(), ["a", "c"]);
  await reader.quota.used();
  assert.deepEqual(looked.take(), ["a", "b", "c"]);
});

Deno.test("before anything is refused or evicted, all copies are looked at", async () => {
  await using w = await world();
  for (const name of ["a", "b"]) await w.publish(name, 20_000);
  const reader = await w.reader({ GTR_STORE_QUOTA: "100000" });
  const clone = async (name: string) => {
    using wait = soon();
    return (await syncRepository(reader, w.address(name), wait)).repository;
  };
  const a = await clone("a");
  const left = join(a.path, "gtr", "quarantine-0");
  await Deno.writeFile(left, new Uint8Array(70_000).fill(1));
  assert.ok(await reader.quota.used() > 90_000);
  await Deno.remove(left);
  await a.writeState({ lastUsed: 1 });
  await clone("b");
  assert.ok(await a.exists());
});

Deno.test("copies that come, change and go are seen once it is told", async () => {
  await using w = await world();
  const reader = await w.reader();
  for (const name of ["a", "b"]) await w.publish(name, 5000);
  const copies = new Copies(reader.store, reader.key.publicKeyHex);
  const clone = async (name: string) => {
    using wait = soon();
    return (await syncRepository(reader, w.address(name), wait)).repository;
  };
  const names = (found: Awaited<ReturnType<Copies["all"]>>) =>
    found.map(({ repository }) => repository.name).sort();
  assert.deepEqual(await copies.all(), []);
  const a = await clone("a");
  assert.deepEqual(names(await copies.recent(a)), ["a"]);
  const b = await clone("b");
  assert.deepEqual(names(await copies.recent(a)), ["a"]);
  copies.changed(b);
  assert.deepEqual(names(await copies.recent(a)), ["a", "b"]);
  await a.purge();
  assert.deepEqual(names(await copies.recent(a)), ["b"]);
  assert.deepEqual(await copies.recent(b), await copies.all());
});

Deno.test("copies: a walk that failed is done again, not taken for an empty store", async () => {
  let fails = false;
  const made = ["a", "b"].map((name) => ({
    path: name,
    publisher: "other",
    name,
    exists: () => Promise.resolve(true),
    usage: () =>
      fails ? Promise.reject(new Error("EMFILE")) : Promise.resolve({ bytes: 10, freeable: 10 }),
  })) as unknown as StoredRepository[];
  const store = { repositories: () => Promise.resolve(made) } as unknown as Store;
  const copies = new Copies(store, "own");
  await copies.recent(made[0]!);
  fails = true;
  await assert.rejects(copies.all());
  fails = false;
  const found = await copies.recent(made[0]!);
  assert.deepEqual(found.map(({ repository }) => repository.name), ["a", "b"]);
});
