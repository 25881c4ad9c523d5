/** What HyperDHT itself holds of repositories, and what others put there. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
// @ts-types="../../lib/types/hyperdht.d.ts"
import HyperDHT from "hyperdht";
import { HyperNode } from "../../lib/transports/holepunch/node.ts";
import { Records } from "../../lib/transports/holepunch/records.ts";
import { HolepunchNetwork } from "./holepunch_nodes.ts";
import { makeManifest, makePack, publish, resolveLast, testKey } from "./publications.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const signal = () => AbortSignal.timeout(60_000);

async function plainNode(network: HolepunchNetwork): Promise<HyperNode> {
  const bootstrap = [network.bootstrap];
  return await HyperNode.open({ host: "127.0.0.1", port: 0, bootstrap, seed: randomBytes(32) });
}

Deno.test("holepunch records: what others put in their place is not believed", async () => {
  await using network = await HolepunchNetwork.make();
  await using node = await plainNode(network);
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  const records = new Records(node.dht, { key: alice, openManifest, maxPacks: 0 });
  const wanted = { id: alice.id, name: "hello" };
  assert.equal(await records.manifest(wanted, signal()), undefined);

  // Anybody can write what leads from an id to its key: another key is passed over, and replaced.
  await new Records(node.dht, { key: bob, openManifest, maxPacks: 0 }).publish(
    makeManifest(bob, a),
    [],
  );
  const seed = createHash("sha256").update(`gtr-holepunch-key-v1\0${alice.id}`).digest();
  await node.dht.mutablePut(HyperDHT.keyPair(seed), Buffer.from(bob.publicKey), { seq: 7 });
  assert.equal(await records.manifest(wanted, signal()), undefined);
  await records.publish(signed, []);
  assert.deepEqual(await records.manifest(wanted, signal()), signed);

  // A publisher's own record may say anything.
  const sign = (message: Uint8Array) => bob.sign("hyperdhtRecord", message);
  const signer = { publicKey: Buffer.from(bob.publicKey), sign };
  let seq = 2 * Date.now();
  const says = async (value: string | Buffer) => {
    await node.dht.mutablePut(signer, Buffer.from(value), { seq: seq++ });
    return await records.manifest({ ...wanted, id: bob.id, publicKey: bob.publicKeyHex }, signal());
  };
  const root = (hash: Buffer, size: number) => ({ hash: hash.toString("hex"), size });
  const pointer = (index: unknown) => JSON.stringify({ version: 1, index });
  for (
    const value of [
      randomBytes(100),
      "{}",
      pointer(root(randomBytes(32), 2 ** 40)),
      pointer({ hash: "../x", size: 1 }),
    ]
  ) await assert.rejects(says(value), { code: "bad-record" });
  assert.equal(await says(pointer(root(randomBytes(32), 500))), undefined);
  const lies = Buffer.from(JSON.stringify({ version: 1, repositories: { hello: 5 } }));
  const { hash } = await node.dht.immutablePut(lies);
  await assert.rejects(says(pointer(root(hash, lies.length))), { code: "bad-record" });

  // Alice's manifest in Bob's record is none of his.
  const own = new Records(node.dht, { key: bob, openManifest, maxPacks: 0 });
  await own.publish(signed, []);
  await assert.rejects(
    records.manifest({ id: bob.id, name: "hello", publicKey: bob.publicKeyHex }, signal()),
    { code: "wrong-key" },
  );
});

Deno.test("holepunch records: a later run adds to what is there, and takes out what is forgotten", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using network = await HolepunchNetwork.make();
    await using node = await plainNode(network);
    const a = await network.join(alice);
    const file = await makePack(folder, 5_000);
    const one = makeManifest(alice, a, { name: "one", packs: [file.pack] });
    const two = makeManifest(alice, a, { name: "two" });
    await new Records(node.dht, { key: alice, openManifest, maxPacks: 5_000 }).publish(one, [file]);
    const later = new Records(node.dht, { key: alice, openManifest, maxPacks: 5_000 });
    await later.publish(two, []);
    const find = (name: string) => later.manifest({ id: alice.id, name }, signal());
    assert.deepEqual(await find("one"), one);
    assert.deepEqual(await find("two"), two);
    const pack = await later.pack(one.manifest, file.pack, signal());
    assert.deepEqual(pack && new Uint8Array(pack), await Deno.readFile(file.path));
    await later.forget("one");
    assert.equal(await find("one"), undefined);
    assert.deepEqual(await find("two"), two);

    const other = await makePack(folder, 5_001);
    const large = makeManifest(alice, a, { name: "large", packs: [other.pack] });
    await later.publish(large, [other]);
    assert.deepEqual(await find("large"), large);
    assert.equal(await later.pack(large.manifest, other.pack, signal()), undefined);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("holepunch records: a follower keeps them as the publisher signed them", async () => {
  await using network = await HolepunchNetwork.make();
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  const b = await network.join(bob);
  const found = await resolveLast(b, alice);
  assert.ok(found);
  await publish(b, found, []);
  assert.deepEqual(network.logged, []);
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
  await using node = await plainNode(network);
  const records = new Records(node.dht, { key: bob, openManifest, maxPacks: 0 });
  assert.deepEqual(await records.manifest({ id: alice.id, name: "hello" }, signal()), signed);
});

Deno.test("holepunch records: two machines with one key keep what the other has put", async () => {
  await using network = await HolepunchNetwork.make();
  await using node = await plainNode(network);
  const a = await network.join(alice);
  const of = (name: string, sequence: number) => makeManifest(alice, a, { name, sequence });
  const [laptop, desktop] = [
    new Records(node.dht, { key: alice, openManifest, maxPacks: 0 }),
    new Records(node.dht, { key: alice, openManifest, maxPacks: 0 }),
  ];
  const held = async (name: string) =>
    (await desktop.manifest({ id: alice.id, name }, signal()))?.manifest.sequence;
  await laptop.publish(of("one", 1), []);
  await desktop.publish(of("two", 1), []);
  await laptop.publish(of("three", 1), []);
  await desktop.publish(of("one", 7), []);
  await laptop.publish(of("one", 6), []);
  assert.deepEqual([await held("one"), await held("two"), await held("three")], [7, 1, 1]);
  await laptop.publish(of("one", 8), []);
  assert.equal(await held("one"), 8);
});
