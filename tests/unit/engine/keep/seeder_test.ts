import assert from "node:assert/strict";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { sleep } from "../../../../lib/common/wait.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import { Bitmaps } from "../../../../lib/engine/keep/bitmaps.ts";
import { Seeder } from "../../../../lib/engine/keep/seeder.ts";
import type { OpenNetwork } from "../../../../lib/ports/network.ts";
import { initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, HASTY, makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNode, silence } from "../memory_network.ts";
import { until } from "../../../e2e/until.ts";

/** A seeder on given networks, and a repository that is published more and more. */
async function seeding(networks: readonly OpenNetwork[], env: Record<string, string> = {}) {
  const temp = await tempDir();
  const parts = await makeParts(temp.path, [], { env });
  const work = await initRepository(join(temp.path, "work"));
  const repository = parts.store.repository(parts.key.publicKeyHex, "hello");
  let tip: string | undefined;
  const publish = async (fromScratch = false) => {
    using wait = soon();
    tip = await emptyCommit(work, { parent: tip });
    using _lock = await repository.lock(wait);
    const { signed } = await publishState(parts, repository, {
      refs: { "refs/heads/main": tip },
      head: "refs/heads/main",
      objectFormat: "sha1",
      objectDirs: [objectsOf(work)],
      fromScratch,
    }, wait);
    return signed.manifest;
  };
  const seeder = new Seeder(
    networks,
    parts.settings,
    parts.log,
    () => Promise.resolve(true),
    new Bitmaps(parts),
  );
  return {
    parts,
    repository,
    publish,
    seeder,
    [Symbol.asyncDispose]: async () => {
      await seeder[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

Deno.test("data first, pointer last; replaced packs from where they lie now; the end ends all", async () => {
  const memory = new MemoryNode();
  await using s = await seeding([memory]);
  const { events, seeded } = memory.network;
  const first = await s.publish();
  assert.deepEqual(await s.seeder.offer(s.repository), []);
  const [base] = first.packs;
  assert.deepEqual(events, [
    `seed ${base!.sha256}`,
    `announce hello ${first.sequence}: 1 packs, 0 not seeded`,
  ]);

  await s.seeder.update(s.repository);
  assert.equal(events.length, 2, "nothing new, nothing to do");

  for (let n = 0; n < 6; n++) {
    const { packs, sequence } = await s.publish();
    await s.seeder.offer(s.repository);
    assert.equal(
      events.at(-1),
      `announce hello ${sequence}: ${packs.length} packs, 0 not seeded`,
    );
    const files = [...await s.repository.heldPacks(), ...await s.repository.retiredPacks()];
    assert.deepEqual(
      new Map(seeded),
      new Map(files.map(({ pack, path }) => [pack.sha256, [path]])),
    );
  }
  assert.ok((await s.repository.retiredPacks()).length > 0);
  await s.repository.dropRetired(0);
  await s.seeder.update(s.repository);
  assert.equal(seeded.size, (await s.repository.heldPacks()).length);

  await s.seeder[Symbol.asyncDispose]();
  assert.equal(seeded.size, 0);
  await s.publish();
  assert.deepEqual(await s.seeder.offer(s.repository), []);
  assert.equal(seeded.size, 0, "nothing is seeded after the end");
});

Deno.test("offers may come in any order: packs of what is announced are always seeded before", async () => {
  const memory = new MemoryNode();
  await using s = await seeding([memory]);
  const offers: Promise<string[]>[] = [];
  let last = 0;
  for (let n = 0; n < 8; n++) {
    last = (await s.publish()).sequence;
    offers.push(s.seeder.offer(s.repository));
  }
  await Promise.all(offers);
  const announced = memory.network.events.filter((event) => event.startsWith("announce"));
  assert.match(announced.at(-1)!, new RegExp(`announce hello ${last}: `));
  for (const event of announced) assert.match(event, /, 0 not seeded$/);
  const sequences = announced.map((event) => Number(/ (\d+):/.exec(event)![1]));
  assert.deepEqual(sequences, sequences.toSorted((a, b) => a - b));
});

Deno.test("offers that wait for the same turn are one", async () => {
  const memory = new MemoryNode();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { publish } = memory;
  memory.publish = async (...args) => {
    await gate;
    await publish.apply(memory, args);
  };
  await using s = await seeding([memory]);
  await s.publish();
  const running = s.seeder.offer(s.repository);
  await Promise.resolve();
  const waiting = Array.from({ length: 5 }, () => s.seeder.offer(s.repository));
  open();
  await Promise.all([running, ...waiting]);
  const announced = memory.network.events.filter((event) => event.startsWith("announce"));
  assert.equal(announced.length, 2);
});

Deno.test("a network that fails is told of and keeps nothing from the others", async () => {
  const [broken, silent, good] = ["broken", "silent", "good"].map((scheme) =>
    new MemoryNode(undefined, scheme)
  ) as [MemoryNode, MemoryNode, MemoryNode];
  broken.offer = () => Promise.reject(new Error("it is full"));
  broken.publish = () => Promise.reject(new NetworkError("unreachable", "no node answers"));
  silent.publish = () => new Promise(() => {}); // it ignores the deadline
  await using s = await seeding([broken, silent, good], HASTY);
  const manifest = await s.publish();
  // One that is silent isn't waited for either, once another has it.
  assert.deepEqual(await s.seeder.offer(s.repository), ["broken: no node answers"]);
  assert.equal(good.network.announced.size, 1);
  assert.deepEqual([good.network.seeded.size, silent.network.seeded.size], [1, 1]);
  assert.match(s.parts.logged.join("\n"), /can't seed .* on broken: it is full/);

  // What failed is tried again with the next offer, and only that.
  broken.offer = MemoryNode.prototype.offer;
  await s.seeder.update(s.repository);
  assert.equal(broken.network.seeded.size, 1);
  assert.equal(good.network.events.filter((event) => event.startsWith("seed")).length, 1);
  await s.seeder.forget(s.repository, manifest); // each network in its turn
  assert.match(s.parts.logged.join("\n"), /can't announce hello on silent: waited 1 s/);
});

Deno.test("the first network's answer is waited for, others' only if it fails", async () => {
  const [first, second] = [new MemoryNode(), new MemoryNode(undefined, "second")];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { publish } = first;
  first.publish = async (...args) => {
    await gate;
    await publish.apply(first, args);
  };
  await using s = await seeding([first, second], HASTY);
  await s.publish();
  let ended = false;
  const offer = s.seeder.offer(s.repository).finally(() => ended = true);
  await until("the second is told", () => Promise.resolve(second.network.announced.size === 1));
  await sleep(400, new AbortController().signal); // longer than others than the first are waited for
  assert.equal(ended, false);
  open();
  assert.deepEqual(await offer, []);

  first.publish = () => Promise.reject(new NetworkError("unreachable", "no node answers"));
  second.publish = (_signed, _packs, wait) => silence(wait);
  await s.publish();
  assert.deepEqual(await s.seeder.offer(s.repository), [
    "torrent: no node answers",
    "second: waited 1 s for second to take the new state: no answer",
  ]);
});

Deno.test("servers that the user chose are waited for, whichever network is first", async () => {
  const [peers, servers] = [new MemoryNode(), new MemoryNode(undefined, "servers")];
  servers.publish = (_signed, _packs, wait) => silence(wait);
  await using s = await seeding([
    peers,
    Object.assign(servers, { role: "server" }),
  ], HASTY);
  await s.publish();
  assert.deepEqual(await s.seeder.offer(s.repository), [
    "servers: waited 1 s for servers to take the new state: no answer",
  ]);
});

Deno.test("a network that is slow to be told of one state is told the newest next", async () => {
  const [quick, slow] = [new MemoryNode(), new MemoryNode(undefined, "slow")];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const told: number[] = [];
  slow.publish = async ({ manifest }) => {
    told.push(manifest.sequence);
    await gate;
  };
  await using s = await seeding([quick, slow], { GTR_NETWORK_TIMEOUT: "60" });
  const published: number[] = [];
  for (let i = 0; i < 4; i++) {
    published.push((await s.publish()).sequence);
    assert.deepEqual(await s.seeder.offer(s.repository), []);
  }
  open();
  await s.seeder.forget(s.repository, (await s.repository.manifest())!.manifest);
  assert.deepEqual(told, [published[0], published[3]]);
});

Deno.test("a repository that has left the store is seeded and announced no more, whatever was on its way", async () => {
  const memory = new MemoryNode();
  await using s = await seeding([memory]);
  const manifest = await s.publish();
  await s.seeder.offer(s.repository);
  const late = s.seeder.offer(s.repository);
  await s.repository.purge();
  const later = s.seeder.offer(s.repository);
  await s.seeder.forget(s.repository, manifest);
  await Promise.all([late, later]);
  assert.deepEqual([memory.network.seeded.size, memory.network.announced.size], [0, 0]);
  assert.equal(memory.network.events.filter((event) => event === "forget hello").length, 1);
});

Deno.test("the end doesn't wait for an announcement that gets no answer", async () => {
  const memory = new MemoryNode();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  memory.publish = (_signed, _packs, wait) => {
    resolve();
    return silence(wait);
  };
  await using s = await seeding([memory], { GTR_NETWORK_TIMEOUT: "3600" });
  await s.publish();
  const offer = s.seeder.offer(s.repository);
  await asked;
  await s.seeder[Symbol.asyncDispose]();
  assert.deepEqual(await offer, []);
});

Deno.test("an offer that failed is made again by who finds nothing new, and no other is", async () => {
  const memory = new MemoryNode();
  let isLocked = true;
  const announce = memory.publish.bind(memory);
  memory.publish = async (...args) => {
    if (isLocked) throw new NetworkError("locked-key", "can't use the key", { hint: "unlock it" });
    await announce(...args);
  };
  await using s = await seeding([memory]);
  await s.publish();
  const why = "torrent: can't use the key (unlock it)";
  assert.deepEqual(await s.seeder.offer(s.repository), [why]);
  assert.deepEqual(await s.seeder.catchUp(s.repository), [why], "still");
  isLocked = false;
  assert.deepEqual(await s.seeder.catchUp(s.repository), []);
  const announcements = () => memory.network.events.filter((one) => one.startsWith("announce"));
  assert.equal(announcements().length, 1);
  assert.deepEqual(await s.seeder.catchUp(s.repository), []);
  assert.equal(announcements().length, 1, "it has been told of it");
  await s.publish();
  assert.deepEqual(await s.seeder.catchUp(s.repository), []);
  assert.equal(announcements().length, 2, "nothing failed, but the newer one was never offered");
});

Deno.test("a network that never forgets a repository doesn't keep it", async () => {
  const memory = new MemoryNode();
  memory.retract = () => new Promise(() => {});
  await using s = await seeding([memory], HASTY);
  const manifest = await s.publish();
  await s.seeder.offer(s.repository);
  await s.seeder.forget(s.repository, manifest);
});
