import assert from "node:assert/strict";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import type { EngineParts } from "../../../../lib/engine/parts.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import type { RepoAddress } from "../../../../lib/identity/address.ts";
import { spawnUploadPack } from "../../../../lib/git_interface/upload_pack.ts";
import type { OpenNetwork } from "../../../../lib/ports/network.ts";
import type { FetchWait } from "../../../../lib/ports/packs.ts";
import type { LiveStream } from "../../../../lib/ports/streams.ts";
import { initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, git, HASTY, makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode, silence } from "../memory_network.ts";

/** A publisher on a network, and readers on the same. */
async function world() {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const publisher = await makeParts(temp.path, [new MemoryNode(network)], { seed: 1 });
  const work = await initRepository(join(temp.path, "work"));
  const repository = publisher.store.repository(publisher.key.publicKeyHex, "hello");
  const address: RepoAddress = { scheme: "torrent", id: publisher.key.id, name: "hello" };
  let tip: string | undefined;
  const publish = async (size = 100, anew = false) => {
    tip = await emptyCommit(work, {
      parent: anew ? undefined : tip,
      text: Array.from({ length: Math.ceil(size / 36) }, () => crypto.randomUUID()).join(""),
    });
    using wait = soon();
    using _lock = await repository.lock(wait);
    const { signed } = await publishState(publisher, repository, {
      refs: { "refs/heads/main": tip },
      head: "refs/heads/main",
      objectFormat: "sha1",
      objectDirs: [objectsOf(work)],
      fromScratch: anew,
    }, wait);
    await publisher.seeder.offer(repository);
    return signed.manifest;
  };
  let readers = 1;
  return {
    root: temp.path,
    network,
    publisher,
    address,
    publish,
    repository,
    tip: () => tip!,
    reader: (...networks: OpenNetwork[]) =>
      makeParts(temp.path, networks.length > 0 ? networks : [new MemoryNode(network)], {
        seed: ++readers,
      }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

async function sync(parts: EngineParts, address: RepoAddress) {
  using wait = soon();
  return await syncRepository(parts, address, wait);
}

async function assertComplete(parts: EngineParts, address: RepoAddress, tip: string) {
  const { repository } = await sync(parts, address);
  assert.equal(await git(repository.path, ["rev-parse", "refs/heads/main"]), tip);
  assert.equal(await git(repository.path, ["fsck", "--full", "--no-dangling"]), "");
  await git(repository.path, ["rev-list", "--objects", "--all", "--quiet"]);
}

const fetches = ({ events }: MemoryNetwork) =>
  events.splice(0).filter((event) => event.startsWith("fetch")).length;

Deno.test("a reader fetches what it lacks, nothing twice, and seeds it at once", async () => {
  await using w = await world();
  await w.publish(20_000);
  await w.publish();
  const reader = await w.reader();
  await assertComplete(reader, w.address, w.tip());
  assert.equal(fetches(w.network), 2);
  await assertComplete(reader, w.address, w.tip());
  assert.equal(fetches(w.network), 0);
  await w.publish();
  await assertComplete(reader, w.address, w.tip());
  assert.equal(fetches(w.network), 1);
  assert.match(reader.logged.join("\n"), /followed hello: publication \d+, 1 new pack$/m);

  await reader.seeder.offer(reader.store.repository(w.publisher.key.publicKeyHex, "hello"));
  await w.publisher.seeder[Symbol.asyncDispose]();
  await assertComplete(await w.reader(), w.address, w.tip());
});

Deno.test("a copy that is used counts as used now, in seconds, and one that is followed doesn't", async () => {
  await using w = await world();
  await w.publish();
  const reader = await w.reader();
  const used = async (purpose: "use" | "follow") => {
    using wait = soon();
    const { repository } = await syncRepository(reader, w.address, wait, { purpose });
    return { repository, lastUsed: (await repository.state()).lastUsed };
  };
  assert.equal((await used("follow")).lastUsed, 0);
  const before = Math.floor(Date.now() / 1000);
  const { repository, lastUsed } = await used("use");
  assert.ok(lastUsed >= before && lastUsed <= Date.now() / 1000, String(lastUsed));
  for (const [ago, isNoted] of [[30, false], [90, true]] as const) {
    const then = Math.floor(Date.now() / 1000) - ago;
    await repository.writeState({ lastUsed: then });
    assert.equal((await used("use")).lastUsed > then, isNoted, `${ago} s ago`);
  }
});

Deno.test("the first large pack of a first clone is indexed while it comes, and no other", async () => {
  await using w = await world();
  const network = new MemoryNode(w.network);
  network.fetch = async (pack, from, into, wait: FetchWait) => {
    await MemoryNode.prototype.fetch.call(network, pack, from, into, wait);
    wait.prefix?.(pack.size);
  };
  const reader = await w.reader(network);
  const steps = async () => {
    const told: string[] = [];
    using wait = soon();
    const trace = (step: string) => void told.push(step);
    await syncRepository(reader, w.address, { signal: wait.signal, trace });
    return told.filter((step) => /indexed while|checked and indexed/.test(step));
  };
  await w.publish(4_000_000);
  await w.publish(100);
  const [early, other, ...more] = await steps();
  assert.equal(early, "indexed while it came");
  assert.match(other!, /^pack [0-9a-f]{12} checked and indexed$/);
  assert.deepEqual(more, []);
  await w.publish(1_200_000); // less than half of the first, which then isn't merged with it
  assert.ok((await steps()).every((step) => /checked and indexed$/.test(step)));
});

Deno.test("a pack that was lost from the store is fetched again", async () => {
  await using w = await world();
  await w.publish(20_000);
  await w.publish();
  const reader = await w.reader();
  const { repository } = await sync(reader, w.address);
  fetches(w.network);
  const [base] = await repository.packs();
  await Deno.remove(base!.path);
  await assertComplete(reader, w.address, w.tip());
  assert.ok(fetches(w.network) >= 1);
});

Deno.test("progress counts the bytes of all packs up to their total", async () => {
  await using w = await world();
  await w.publish(20_000);
  const { packs } = await w.publish();
  const total = packs.reduce((sum, { size }) => sum + size, 0);
  const reader = await w.reader();
  const seen: [number, number, string][] = [];
  using wait = soon();
  await syncRepository(reader, w.address, {
    signal: wait.signal,
    progress: (...report) => {
      if (/^\d+\/\d+$/.test(report[2])) seen.push(report);
    },
  });
  assert.ok(seen.every(([, of]) => of === total));
  const done = seen.map(([n]) => n);
  assert.deepEqual(done, done.toSorted((a, b) => a - b));
  assert.deepEqual(seen.at(-1), [total, total, "2/2"]);
});

Deno.test("packs that nobody sends are given up, and what came is resumed later", async () => {
  await using w = await world();
  await w.publish(20_000);
  const half = new MemoryNode(w.network);
  half.fetch = async (pack, _from, into, wait) => {
    await Deno.writeFile(into, new Uint8Array(10));
    wait.progress?.(10, pack.size, "receiving");
    await silence(wait);
  };
  const reader = await makeParts(w.root, [half], { seed: 9, env: HASTY });
  await assert.rejects(sync(reader, w.address), {
    code: "nobody-answered",
    message: "nothing came for 1 s: packs of hello",
    hint: /must be online/,
  });
  const { sha256 } = (await w.repository.manifest())!.manifest.packs[0]!;
  const { path } = reader.store.repository(w.publisher.key.publicKeyHex, "hello");
  assert.equal((await Deno.stat(join(path, "gtr", "incoming", `${sha256}.pack`))).size, 10);
  half.fetch = MemoryNode.prototype.fetch;
  await assertComplete(reader, w.address, w.tip());
});

Deno.test("a network that reports the same again and again doesn't move", async () => {
  await using w = await world();
  await w.publish(20_000);
  const stuck = new MemoryNode(w.network);
  stuck.fetch = async (pack, _from, _into, wait) => {
    const telling = setInterval(() => wait.progress?.(10, pack.size, "receiving"), 50);
    await silence(wait).finally(() => clearInterval(telling));
  };
  const reader = await makeParts(w.root, [stuck], { seed: 9, env: HASTY });
  await assert.rejects(sync(reader, w.address), { message: /nothing came for 1(\.\d)? s/ });
});

Deno.test("one pack that moves keeps the others from being given up", async () => {
  await using w = await world();
  for (const size of [40_000, 10_000, 100]) await w.publish(size);
  const one = new MemoryNode(w.network);
  const { promise: slowest, resolve } = Promise.withResolvers<void>();
  const { packs } = (await w.repository.manifest())!.manifest;
  assert.ok(packs.length >= 2);
  one.fetch = async (pack, from, into, wait) => {
    if (pack.sha256 === packs[0]!.sha256) {
      let done = 0;
      const moving = setInterval(() => {
        wait.progress?.(++done, pack.size, "receiving");
        if (done === 15) resolve();
      }, 100);
      await slowest.finally(() => clearInterval(moving));
    } else {
      await slowest; // sends nothing for longer than the timeout
    }
    await MemoryNode.prototype.fetch.call(one, pack, from, into, wait);
  };
  await assertComplete(await makeParts(w.root, [one], { seed: 9, env: HASTY }), w.address, w.tip());
});

Deno.test("one pack that fails calls the others off; all have ended when it is told", async () => {
  await using w = await world();
  for (const size of [40_000, 10_000, 100]) await w.publish(size);
  const { packs } = (await w.repository.manifest())!.manifest;
  const failing = new MemoryNode(w.network);
  let running = 0;
  failing.fetch = async (pack, _from, _into, wait) => {
    if (pack.sha256 === packs.at(-1)!.sha256) {
      throw new NetworkError("nobody-answered", "nobody has the last one");
    }
    running++;
    await silence(wait).finally(() => running--);
  };
  await assert.rejects(sync(await w.reader(failing), w.address), /nobody has the last one/);
  assert.equal(running, 0);
});

Deno.test("a network that lies is found out, nothing changes, and the right pack is fetched later", async () => {
  await using w = await world();
  await w.publish();
  const reader = await w.reader();
  await sync(reader, w.address);
  const before = w.tip();
  await w.publish();
  const lying = new MemoryNode(w.network);
  lying.fetch = async (pack, _from, into) => {
    await Deno.writeFile(into, new Uint8Array(pack.size));
  };
  const parts = { ...reader, networks: [lying] };
  await assert.rejects(sync(parts, w.address), { code: "wrong-pack" });
  assert.deepEqual(reader.dropped.toJSON(), { "wrong-pack": 1 });
  const { path } = reader.store.repository(w.publisher.key.publicKeyHex, "hello");
  assert.equal(await git(path, ["rev-parse", "refs/heads/main"]), before);
  await assertComplete(reader, w.address, w.tip());
});

Deno.test("what is too much to come live comes as packs, if these fit", async () => {
  await using w = await world();
  const network = new MemoryNode(w.network);
  let dialled = 0;
  const live: OpenNetwork = Object.assign(network, {
    streams: {
      dial: async (): Promise<LiveStream> => {
        dialled++;
        const { stdin, stdout } = await spawnUploadPack(w.repository.path, { protocol: 2 });
        const manifest = (await w.repository.manifest())!;
        return { readable: stdout, writable: stdin, peer: "publisher", manifest, close: () => {} };
      },
    },
  });
  const reader = await w.reader(live);
  const { packs: [first] } = await w.publish(400_000);
  await assertComplete(reader, w.address, w.tip());
  const tight = await makeParts(w.root, [live], {
    seed: 2,
    env: { GTR_STORE_REPOSITORYQUOTA: String(Math.ceil(first!.size * 1.5)) },
  });
  await w.publish(400_000, true);
  await assertComplete(tight, w.address, w.tip());
  assert.equal(dialled, 1);
  await w.publish(400_000);
  using wait = soon();
  await assert.rejects(syncRepository(tight, w.address, wait), { code: "over-quota" });
});

Deno.test("an abort ends the download with its reason", async () => {
  await using w = await world();
  await w.publish();
  const silent = new MemoryNode(w.network);
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  silent.fetch = (_pack, _from, _into, wait) => {
    resolve();
    return silence(wait);
  };
  const reader = await w.reader(silent);
  const controller = new AbortController();
  const result = syncRepository(reader, w.address, { signal: controller.signal });
  await asked;
  controller.abort(new Error("the client left"));
  await assert.rejects(result, /the client left/);
});
