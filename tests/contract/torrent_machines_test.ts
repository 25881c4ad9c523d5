/** Two nodes with one key: what one puts into the DHT, the other doesn't overwrite unseen. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { Dht } from "../../lib/transports/torrent/dht/dht.ts";
import { KnownNodes } from "../../lib/transports/torrent/dht/endpoints.ts";
import { decodePublisherRecord } from "../../lib/transports/torrent/record.ts";
import { until } from "../e2e/until.ts";
import { TorrentNetwork } from "./torrent_nodes.ts";
import { makeManifest, publish, resolveLast, testKey } from "./publications.ts";

const [alice, carol] = [testKey(1), testKey(3)];

Deno.test("torrent: an older record overwrites no newer one, and its machine hears of that", async () => {
  await using network = new TorrentNetwork();
  const reader = await network.join(carol);
  const laptop = await network.join(alice);
  const desktop = await network.join(alice);
  await publish(laptop, makeManifest(alice, laptop, { sequence: 7 }), []);
  const older = makeManifest(alice, desktop, { sequence: 6 });
  const heard = Promise.withResolvers<number>();
  using _watch = desktop.notices.watch(older.manifest, heard.resolve);
  await publish(desktop, older, []);
  using limit = deadline(60_000, "a notice");
  assert.equal(await abortable(heard.promise, limit.signal), 7);
  assert.equal((await resolveLast(reader, alice))?.manifest.sequence, 7);
});

Deno.test("torrent: the publisher's record lists what all its machines have", async () => {
  await using network = new TorrentNetwork();
  const first = await network.join(carol);
  const laptop = await network.join(alice);
  const desktop = await network.join(alice);
  const folder = await Deno.makeTempDir();
  using limit = deadline(60_000, "records");
  const bootstrap = first.endpoints() as string[];
  const known = new KnownNodes(join(folder, "cache"), bootstrap);
  try {
    await using dht = await Dht.open({
      host: "127.0.0.1",
      port: 0,
      bootstrap,
      known,
      dropped() {},
    });
    const names = async () => {
      const item = await dht.getMutable({ publicKey: alice.publicKey }, limit);
      return item && decodePublisherRecord(item.value).repositories;
    };
    const on = (node: typeof laptop, name: string) => makeManifest(alice, node, { name });
    await publish(laptop, on(laptop, "one"), []);
    await publish(desktop, on(desktop, "two"), []);
    assert.deepEqual(await names(), ["one", "two"]);
    await publish(laptop, on(laptop, "three"), []);
    assert.deepEqual(await names(), ["one", "three", "two"]);
    await laptop.records.retract(on(laptop, "one").manifest);
    const isGone = async () => JSON.stringify(await names()) === '["three","two"]';
    await until("it is taken out", isGone);
    await publish(desktop, on(desktop, "four"), []);
    assert.deepEqual(await names(), ["four", "three", "two"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
