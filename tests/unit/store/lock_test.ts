import assert from "node:assert/strict";
import { Home } from "../../../lib/common/home.ts";
import { deadline } from "../../../lib/common/wait.ts";
import { Store } from "../../../lib/store/store.ts";
import { tempDir } from "../git_interface/fixture.ts";
import { forever, startProcess } from "./fixture.ts";

const PUBLISHER = "ab".repeat(32);

Deno.test("the lock excludes other processes, and dies with its holder", async () => {
  await using temp = await tempDir();
  const repository = new Store(new Home(temp.path)).repository(PUBLISHER, "hello");
  const holder = startProcess("lock_holder.ts", [temp.path, PUBLISHER]);
  try {
    assert.equal(await holder.line(), "held\n");
    assert.equal(await repository.tryLock(), undefined);
    using limit = deadline(100, "the lock");
    await assert.rejects(repository.lock(limit), {
      name: "StoreError",
      code: "repository-busy",
      hint: /run it again/,
    });
    await assert.rejects(repository.lock({ signal: AbortSignal.timeout(50) }), {
      code: "repository-busy",
    });
    const stop = AbortSignal.abort(new Error("enough"));
    await assert.rejects(repository.lock({ signal: stop }), { message: "enough" });
    assert.deepEqual(await new Store(new Home(temp.path)).repair(), []); // passes over it
  } finally {
    await holder.kill();
  }
  using lock = await repository.lock(forever);
  assert.ok(lock);
});

Deno.test("the lock excludes other callers in this process", async () => {
  await using temp = await tempDir();
  const get = () => new Store(new Home(temp.path)).repository(PUBLISHER, "hello");
  const log: number[] = [];
  await Promise.all([1, 2, 3, 4].map(async (n) => {
    using _lock = await get().lock(forever);
    log.push(n);
    await get().exists();
    log.push(n);
  }));
  assert.deepEqual(log.filter((_, i) => i % 2 === 0), log.filter((_, i) => i % 2 === 1));
});

Deno.test("who changes a repository waits for another who does, and not for itself", async () => {
  await using temp = await tempDir();
  const get = () => new Store(new Home(temp.path)).repository(PUBLISHER, "hello");
  const holder = await get().lock(forever);
  let created = false;
  const creating = get().create("sha1").then(() => created = true);
  const passed = Promise.withResolvers<void>();
  setTimeout(passed.resolve, 200); // longer than it takes to ask again
  await passed.promise;
  assert.equal(created, false);
  holder[Symbol.dispose]();
  await creating;

  const repository = get();
  const first = await repository.lock(forever);
  first[Symbol.dispose]();
  first[Symbol.dispose](); // once is what counts
  using _again = await repository.lock(forever);
  await repository.writeState({ lastUsed: 7 });
  const { lastUsed, sequence } = await repository.state();
  assert.deepEqual([lastUsed, sequence], [7, 0], "nothing was seen of it yet");
  assert.equal(await get().tryLock(), undefined, "and it is still held");
});

Deno.test("a lock on a purged repository excludes nobody from the new one", async () => {
  await using temp = await tempDir();
  const get = () => new Store(new Home(temp.path)).repository(PUBLISHER, "hello");
  await get().create("sha1");
  const old = get();
  const waiting = get();
  const first = await old.lock(forever);
  const second = waiting.lock(forever);
  await old.purge();
  using third = await get().lock(forever); // a new file, though the first is still held
  assert.ok(third);
  first[Symbol.dispose]();
  first[Symbol.dispose](); // harmless
  assert.equal(await get().tryLock(), undefined);
  third[Symbol.dispose]();
  (await second)[Symbol.dispose]();
});
