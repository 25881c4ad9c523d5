/**
 * Items of the DHT (BEP 44) between this program and libtorrent.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
// @ts-types="../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../lib/identity/keys.ts";
import { immutableTarget, signItem } from "../../lib/transports/torrent/dht/items.ts";
import { answer, checkLibtorrent, libtorrentNode } from "./libtorrent_fixture.ts";
import { addressOf, DhtNetwork, within } from "../unit/transports/torrent/dht/network.ts";

const SEED = new Uint8Array(32).fill(9);
const key = keyFromSeed(SEED);
const salt = Buffer.from("hello");

async function libtorrent(
  network: DhtNetwork,
  command: string,
  ...args: string[]
): Promise<Record<string, unknown>> {
  await using program = libtorrentNode(addressOf(network.nodes[0]!), command, ...args);
  return await answer(program);
}

function test(name: string, run: (network: DhtNetwork) => Promise<void>): void {
  checkLibtorrent(`libtorrent ${name}`, async () => {
    await using network = new DhtNetwork();
    await network.openMany(3);
    await run(network);
  });
}

test("gets a record with salt that was put here", async (network) => {
  const manifest = new Uint8Array(880).fill(0xab);
  const value = bencode.encode({ v: 1, m: manifest, s: new Uint8Array(64) });
  const item = signItem(key, { salt, seq: 7, value });
  await within((wait) => network.nodes[1]!.putMutable(item, wait));
  const got = await libtorrent(network, "get", key.publicKeyHex, "hello");
  assert.equal(got.seq, 7);
  assert.equal(got.salt, "hello");
  assert.equal(got.value, value.toHex());
});

test("gets a record without salt that was put here", async (network) => {
  const item = signItem(key, { seq: 2, value: bencode.encode({ v: 1, r: ["hello"] }) });
  await within((wait) => network.nodes[1]!.putMutable(item, wait));
  const got = await libtorrent(network, "get", key.publicKeyHex, "");
  assert.equal(got.seq, 2);
  assert.equal(got.value, item.value.toHex());
});

test("puts a record with salt that is got here", async (network) => {
  const seed = SEED.toHex();
  const put = await libtorrent(network, "put", seed, key.publicKeyHex, "hello", "from libtorrent");
  assert.ok(Number(put.stored) > 0);
  const name = { publicKey: key.publicKey, salt };
  const item = await within((wait) => network.nodes[2]!.getMutable(name, wait));
  assert.deepEqual(item?.value, bencode.encode("from libtorrent"));
  assert.equal(item?.seq, 1);
});

test("gets an immutable item of the largest size that was put here", async (network) => {
  const value = bencode.encode("x".repeat(992));
  await within((wait) => network.nodes[1]!.putImmutable(value, wait));
  const got = await libtorrent(network, "get-immutable", immutableTarget(value).toString("hex"));
  assert.equal(got.value, "x".repeat(992));
});

test("puts an immutable item that is got here", async (network) => {
  const put = await libtorrent(network, "put-immutable", "from libtorrent");
  const value = bencode.encode("from libtorrent");
  const target = immutableTarget(value);
  assert.equal(put.target, target.toString("hex"));
  assert.deepEqual(await within((wait) => network.nodes[2]!.getImmutable(target, wait)), value);
});

checkLibtorrent("libtorrent tells who puts what came in between (cas)", async () => {
  const itemOf = (seq: number) =>
    signItem(key, { salt, seq, value: bencode.encode({ v: 1, seq }) });
  await using holder = libtorrentNode("none", "hold");
  const bootstrap = [String((await answer(holder)).dht)];
  await using network = new DhtNetwork();
  // By nodes that go again: only libtorrent can tell the next one to read anew.
  const put = async (seq: number) => {
    const node = await network.open({ bootstrap });
    assert.ok(await within((wait) => node.putMutable(itemOf(seq), wait)) > 0);
    await node[Symbol.asyncDispose]();
  };
  await put(1);
  const desktop = await network.open({ bootstrap });
  const shown: (number | undefined)[] = [];
  const name = { publicKey: key.publicKey, salt };
  const stored = await within((wait) =>
    desktop.updateMutable(name, async (newest) => {
      shown.push(newest?.seq);
      if (shown.length === 1) await put(2);
      return itemOf(newest!.seq + 2);
    }, wait)
  );
  assert.deepEqual(shown, [1, 2]);
  assert.ok(stored > 0);
});
