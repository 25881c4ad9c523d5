/** Live peers that break, lie or are behind, and what is had then. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { NetworkError } from "../../../../lib/common/errors.ts";
import { packetOf } from "../../../../lib/common/pkt_line.ts";
import { publishState } from "../../../../lib/engine/publish/publish.ts";
import {
  olderWarning,
  seenWarning,
  unansweredWarning,
} from "../../../../lib/engine/fetch/stale.ts";
import { syncRepository } from "../../../../lib/engine/fetch/sync.ts";
import { spawnUploadPack } from "../../../../lib/git_interface/upload_pack.ts";
import type { RepoAddress } from "../../../../lib/identity/address.ts";
import type { Flow } from "../../../../lib/manifest/flow.ts";
import type { SignedManifest } from "../../../../lib/manifest/types.ts";
import type { LiveStream } from "../../../../lib/ports/streams.ts";
import { initRepository, objectsOf } from "../../git_interface/fixture.ts";
import { emptyCommit, git, makeParts, soon, tempDir } from "../fixture.ts";
import { MemoryNetwork, MemoryNode } from "../memory_network.ts";

const main = "refs/heads/main";

/** A publisher, and a reader whose network gives it these peers, one for each time that it dials. */
async function world(flow: Flow = "announce") {
  const temp = await tempDir();
  const network = new MemoryNetwork();
  const publisher = await makeParts(temp.path, [new MemoryNode(network)]);
  const work = await initRepository(join(temp.path, "work"));
  const repository = publisher.store.repository(publisher.key.publicKeyHex, "hello");
  const address: RepoAddress = { scheme: "torrent", id: publisher.key.id, name: "hello" };
  const tips = new Map<number, string>();
  let tip: string | undefined;
  const publish = async (): Promise<SignedManifest> => {
    tip = await emptyCommit(work, { parent: tip });
    using wait = soon();
    const { signed } = await publishState(publisher, repository, {
      refs: { [main]: tip },
      head: main,
      objectFormat: "sha1",
      flow,
      objectDirs: [objectsOf(work)],
    }, wait);
    await publisher.seeder.offer(repository);
    tips.set(signed.manifest.sequence, tip);
    return signed;
  };
  const peers: (() => Promise<LiveStream>)[] = [];
  /** How each stream was closed: as one that failed, or not. */
  const closed: boolean[] = [];
  const dialled: number[] = [];
  const transport = Object.assign(new MemoryNode(network), {
    streams: {
      dial: ({ manifest }: SignedManifest) => {
        dialled.push(manifest.sequence);
        const peer = peers.shift();
        return peer?.() ?? Promise.reject(new NetworkError("no-live-peer", "nobody is live"));
      },
    },
  });
  const reader = await makeParts(temp.path, [transport], { seed: 2 });
  const close = (asFailed = false) => void closed.push(asFailed);
  return {
    network,
    publish,
    transport,
    reader,
    peers,
    closed,
    repository,
    /** What was asked for at each dial, by its sequence number. */
    dialled: () => dialled.splice(0),
    sync: async (orOlder = false) => {
      using wait = soon();
      const synced = await syncRepository(reader, address, wait, { orOlder });
      const { sequence } = synced.signed.manifest;
      const { path } = synced.repository;
      assert.equal(await git(path, ["rev-parse", main]), tips.get(sequence));
      assert.equal(await git(path, ["fsck", "--full", "--no-dangling"]), "");
      return synced;
    },
    /** A peer that serves the publisher's store, and shows this manifest. */
    honest: (signed: SignedManifest) => async () => {
      const { stdin, stdout } = await spawnUploadPack(repository.path, { protocol: 2 });
      return { readable: stdout, writable: stdin, peer: "honest", manifest: signed, close };
    },
    /** A peer that says this. */
    scripted: (signed: SignedManifest, ...says: Uint8Array[]) => () =>
      Promise.resolve({
        readable: ReadableStream.from(says),
        writable: new WritableStream<Uint8Array>(),
        peer: "liar",
        manifest: signed,
        close,
      }),
    [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose](),
  };
}

Deno.test("live: a peer that lies or breaks off is counted, and the next one begins anew", async () => {
  await using w = await world();
  const signed = await w.publish();
  w.peers.push(
    w.scripted(signed, packetOf("version 1\n"), new TextEncoder().encode("0000")),
    w.scripted(signed),
    w.honest(signed),
  );
  const { warning } = await w.sync();
  assert.equal(warning, undefined);
  assert.equal(w.dialled().length, 3);
  assert.ok(w.closed.filter((asFailed) => asFailed).length >= 2);
  assert.equal(w.reader.dropped.toJSON()["live-bad-server"], 1);
  assert.match(w.reader.logged.join("\n"), /can't fetch hello from liar: .*\n.*from liar/);
  assert.match(w.reader.logged.at(-1)!, /^followed hello: publication \d+, \d+ bytes live$/);
});

Deno.test("live: after three peers that break off it is given up, and it is said why", async () => {
  await using w = await world();
  const signed = await w.publish();
  for (let i = 0; i < 4; i++) w.peers.push(w.scripted(signed));
  await assert.rejects(w.sync(), {
    code: "no-live-peer",
    message: /only announces it, and no peer serves it now: .*cut off/,
    hint: /must be online/,
  });
  assert.equal(w.dialled().length, 3);
  w.peers.length = 0;
  await assert.rejects(w.sync(), { code: "no-live-peer", message: /nobody is live/ });
  assert.equal(w.dialled().length, 1);
});

Deno.test("live: a peer may show something newer, and that is what is had", async () => {
  await using w = await world();
  const first = await w.publish();
  const second = await w.publish();
  w.network.announced.set([...w.network.announced.keys()][0]!, first);
  w.peers.push(w.honest(second));
  assert.equal((await w.sync()).signed.manifest.sequence, second.manifest.sequence);
});

Deno.test("older: where nobody has the newest, the newest that a live peer has is taken", async () => {
  await using w = await world();
  const first = await w.publish();
  w.peers.push(w.honest(first));
  await w.sync();
  w.dialled();
  const second = await w.publish();
  const third = await w.publish();

  await assert.rejects(w.sync(), { code: "no-live-peer" });
  assert.deepEqual(w.dialled(), [third.manifest.sequence]);
  // The first dial is for the newest; who is behind is found by the next.
  w.peers.push(
    () => Promise.reject(new NetworkError("no-live-peer", "nobody has it")),
    w.honest(second),
  );
  const { signed, warning } = await w.sync(true);
  assert.equal(signed.manifest.sequence, second.manifest.sequence);
  assert.equal(warning, olderWarning(third, second));
  const [newest, other, last] = w.dialled();
  assert.equal(newest, third.manifest.sequence);
  assert.equal(other, first.manifest.sequence + 1);
  assert.equal(last, second.manifest.sequence + 1, "and whether there is one in between");

  // The reader offers what it has, and nobody tells of the newest any more: it was seen, though.
  await w.reader.seeder.offer(w.reader.store.repository(third.manifest.publisher, "hello"));
  const again = await w.sync(true);
  assert.equal(again.signed.manifest.sequence, second.manifest.sequence);
  assert.equal(again.warning, seenWarning(third.manifest.sequence, second));
  assert.deepEqual(w.dialled(), []);
  w.network.announced.set([...w.network.announced.keys()][0]!, third);
  w.peers.push(w.honest(third));
  assert.equal((await w.sync(true)).signed.manifest.sequence, third.manifest.sequence);
});

Deno.test("older: without a copy, and without anybody, the error is that of the newest", async () => {
  await using w = await world();
  await w.publish();
  await assert.rejects(w.sync(true), { code: "no-live-peer", message: /only announces it/ });
  assert.equal(w.dialled().length, 2);
});

Deno.test("older: who can't be connected to for the newest isn't asked for another", async () => {
  await using w = await world("both");
  const first = await w.publish();
  await w.sync();
  const second = await w.publish();
  w.dialled();
  w.transport.fetch = () => Promise.reject(new NetworkError("out-of-reach", "no way there"));
  const { signed, warning } = await w.sync(true);
  assert.equal(signed.manifest.sequence, first.manifest.sequence);
  assert.equal(warning, olderWarning(second, first));
  assert.deepEqual(w.dialled(), []);
});

Deno.test("older: warnings tell which publication is used, and of when", () => {
  const of = (sequence: number, created: number) =>
    ({ manifest: { sequence, created } }) as unknown as SignedManifest;
  const [newest, used] = [of(9, 1_700_000_060), of(7, 1_700_000_000)];
  assert.equal(
    olderWarning(newest, used),
    "the newest publication is 9, of 2023-11-14 22:14 UTC; nobody online has it; " +
      "using 7, of 2023-11-14 22:13 UTC",
  );
  assert.match(seenWarning(9, used), /^publication 9 was seen before; .*; using 7, of 2023-11-14/);
  const address = { scheme: "torrent", id: "a".repeat(40), name: "hello" };
  assert.match(unansweredWarning(address, used), /torrent:\/\/a+\/hello; .* 2023-11-14 22:13 UTC/);
});
