/** libtorrent and the real gtd: packs that only one of them has, and records of the DHT both ways. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { keyFromSeed, verifySignature } from "../../lib/identity/keys.ts";
import { signManifest, verifyManifest } from "../../lib/manifest/manifest.ts";
import type { Manifest } from "../../lib/manifest/types.ts";
import { signItem } from "../../lib/transports/torrent/dht/items.ts";
import {
  decodePublisherRecord,
  decodeRepositoryRecord,
  encodeInlineRecord,
  encodePublisherRecord,
} from "../../lib/transports/torrent/record.ts";
import { Node } from "../e2e/node.ts";
import { DhtNetwork, within } from "../unit/transports/torrent/dht/network.ts";
import { packTorrent, shareTwoPacks, SWARM_ONLY } from "./gtd_fixture.ts";
import { answer, checkLibtorrent, libtorrentNode } from "./libtorrent_fixture.ts";
import { Fixture, torrentFile } from "./swarm_fixture.ts";

checkLibtorrent("gtd clones a repository whose packs only libtorrent seeds", async () => {
  await using fixture = await Fixture.make();
  await using hub = await Node.make("none", SWARM_ONLY);
  const bootstrap = await hub.dht();
  await using alice = await Node.make(bootstrap, SWARM_ONLY);
  const shared = await shareTwoPacks(alice);
  await using bob = await Node.make(bootstrap, SWARM_ONLY);
  await bob.untilPublished(shared.url, "refs/heads/main", shared.oid);
  await using seeds = new AsyncDisposableStack();
  for (const pack of shared.packs) {
    const torrent = await packTorrent(alice, pack);
    await Deno.writeFile(join(fixture.directory, torrent.name), torrent.bytes);
    const file = await torrentFile(fixture, torrent, "");
    await answer(seeds.use(libtorrentNode(bootstrap, "seed", file, fixture.directory)));
  }
  await alice.stopGtd();
  for (const node of [hub, bob]) assert.deepEqual((await node.status()).repositories, []);

  await bob.git("clone", "-q", shared.url, "copy");
  const copy = bob.path("copy");
  assert.equal(await bob.gitIn(copy, "rev-parse", "HEAD"), shared.oid);
  await bob.gitIn(copy, "fsck", "--full", "--strict");
  assert.equal(await alice.gtdPid(), undefined);
});

checkLibtorrent("libtorrent gets the records that gtd put, with salt and without", async () => {
  await using alice = await Node.make("none", SWARM_ONLY);
  const { url, oid, packs } = await shareTwoPacks(alice);
  const dht = await alice.dht();
  await using bob = await Node.make(dht, SWARM_ONLY);
  await bob.untilPublished(url, "refs/heads/main", oid);
  const { publicKey } = JSON.parse(await alice.gtr("id", "--json"));

  await using program = libtorrentNode(dht, "get", publicKey, "hello", "");
  const [found, publisher] = await Promise.all(
    ["hello", ""].map((salt) => answer(program, new RegExp(`"salt": "${salt}"`))),
  );
  const record = decodeRepositoryRecord(Uint8Array.fromHex(String(found!.value)));
  assert(record.kind === "inline");
  const expected = { publicKey, name: "hello" };
  const { manifest } = verifyManifest(record.bytes, record.signature, expected, verifySignature);
  assert.equal(manifest.sequence, found!.seq);
  assert.deepEqual(manifest.refs, { "refs/heads/main": oid });
  assert.deepEqual(manifest.packs.map((pack) => pack.sha256), packs.map((pack) => pack.sha256));

  const value = Uint8Array.fromHex(String(publisher!.value));
  assert.deepEqual(decodePublisherRecord(value), { repositories: ["hello"] });
});

checkLibtorrent("gtd lists a repository whose records only libtorrent holds", async () => {
  const key = keyFromSeed(randomBytes(32));
  const oid = randomBytes(20).toString("hex");
  const manifest: Manifest = {
    version: 1,
    publisher: key.publicKeyHex,
    name: "hello",
    sequence: 7,
    created: 1_700_000_000,
    objectFormat: "sha1",
    head: "refs/heads/main",
    refs: { "refs/heads/main": oid, "refs/tags/v1": oid },
    packs: [{
      sha256: randomBytes(32).toString("hex"),
      size: 1000,
      infohash: randomBytes(20).toString("hex"),
      objects: 3,
      tips: [oid],
    }],
    endpoints: {},
  };
  const value = encodeInlineRecord(signManifest(manifest, key));
  assert(value);
  const items = [
    signItem(key, { seq: 1, value: encodePublisherRecord({ repositories: ["hello"] }) }),
    signItem(key, { salt: Buffer.from("hello"), seq: manifest.sequence, value }),
  ];

  await using holder = libtorrentNode("none", "hold");
  const bootstrap = String((await answer(holder)).dht);
  {
    await using network = new DhtNetwork();
    const node = await network.open({ bootstrap: [bootstrap] });
    for (const item of items) {
      assert.equal(await within((wait) => node.putMutable(item, wait)), 1);
    }
  }
  await using bob = await Node.make(bootstrap);
  assert.equal(
    await bob.git("ls-remote", `torrent://${key.id}/hello`),
    `${oid}\tHEAD\n${oid}\trefs/heads/main\n${oid}\trefs/tags/v1`,
  );
});

checkLibtorrent(
  "gtd gets what libtorrent signed and put, and refuses another form of record",
  async () => {
    await using hub = await Node.make("none");
    const bootstrap = await hub.dht();
    await using bob = await Node.make(bootstrap);
    const seed = randomBytes(32);
    const { publicKeyHex } = keyFromSeed(seed);
    // The value can only be a text: libtorrent's Python puts no dictionaries.
    await using program = libtorrentNode(
      bootstrap,
      "put",
      seed.toString("hex"),
      publicKeyHex,
      "hello",
      "text",
    );
    assert.ok(Number((await answer(program)).stored) > 0);
    const { code, stderr } = await bob.run("git", ["ls-remote", `torrent://${publicKeyHex}/hello`]);
    assert.notEqual(code, 0);
    assert.match(stderr, /can't find torrent:.*\/hello/);
    const { dropped } = await bob.status(); // were its signature wrong, it would be no record
    assert.deepEqual(dropped, { "torrent/bad-record": 1 });
  },
);
