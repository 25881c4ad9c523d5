/** Two machines with one key put items at the same time. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
// @ts-types="../../../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import { keyFromSeed } from "../../../../../lib/identity/keys.ts";
import { compareAndSwap } from "../../../../../lib/transports/torrent/dht/compare_and_swap.ts";
import { type MutableItem, signItem } from "../../../../../lib/transports/torrent/dht/items.ts";
import type { Query } from "../../../../../lib/types/bittorrent_dht.d.ts";
import { DhtNetwork, within } from "./network.ts";

const key = keyFromSeed(new Uint8Array(32).fill(5));
const salt = Buffer.from("hello");
const name = { publicKey: key.publicKey, salt };
const itemOf = (seq: number): MutableItem =>
  signItem(key, { salt, seq, value: bencode.encode({ v: 1, seq }) });

/** A node's reply to `get`. */
function reply({ publicKey, signature, seq, value }: MutableItem, changes = {}) {
  return {
    k: Buffer.from(publicKey),
    sig: Buffer.from(signature),
    seq,
    v: bencode.decode(value),
    ...changes,
  };
}

for (
  const [what, there, error, expected, cas] of [
    ["nothing", {}, undefined, "stored", undefined],
    ["an older item", reply(itemOf(4)), undefined, "stored", 4],
    ["the same item", reply(itemOf(5)), undefined, "stored", 5],
    ["the same item, which it need not have twice", reply(itemOf(5)), 302, "stored", 5],
    ["another item by now", reply(itemOf(4)), 301, "conflict", 4],
    ["a newer item by now, and knows no cas", reply(itemOf(4)), 302, "conflict", 4],
    ["nothing before, and a newer item by now", {}, 302, "conflict", undefined],
    [
      "an item that it makes up",
      reply(itemOf(9), { sig: Buffer.alloc(64) }),
      undefined,
      "stored",
      9,
    ],
    ["no sequence number that can be one", { seq: 1.5 }, undefined, "stored", undefined],
    ["a bad token to complain of", reply(itemOf(4)), 203, "failed", 4],
    ["no answer", reply(itemOf(4)), "ETIMEDOUT", "failed", 4],
  ] as const
) {
  Deno.test(`cas: a node has ${what}`, async () => {
    const sent: Query[] = [];
    const outcome = await compareAndSwap(itemOf(5), { reply: there }, (message) => {
      sent.push(message);
      return Promise.resolve(error);
    });
    assert.equal(outcome, expected);
    assert.equal(sent.length, 1);
    assert.equal(sent[0]!.q, "put");
    assert.equal(sent[0]!.a!.cas, cas);
    assert.equal(sent[0]!.a!.seq, 5);
  });
}

Deno.test("cas: a node that has a newer item is left alone", async () => {
  const outcome = await compareAndSwap(itemOf(5), { reply: reply(itemOf(6)) }, () => {
    assert.fail("it was sent something");
  });
  assert.equal(outcome, "stored");
});

Deno.test("cas: another item of the same number is a conflict, and is not written over", async () => {
  const theirs = signItem(key, { salt, seq: 5, value: bencode.encode({ v: 2 }) });
  const outcome = await compareAndSwap(itemOf(5), { reply: reply(theirs) }, () => {
    assert.fail("it was sent something");
  });
  assert.equal(outcome, "conflict");
});

Deno.test("cas: two machines that choose the same number join what they have", async () => {
  await using network = new DhtNetwork();
  const [laptop, desktop, reader] = await network.openMany(10);
  await within((wait) => laptop!.putMutable(itemOf(5), wait));
  const shown: (number | undefined)[] = [];
  await within((wait) =>
    desktop!.updateMutable(name, (newest) => {
      const seq = shown.length === 0 ? 5 : newest!.seq + 1; // at first it doesn't look
      shown.push(newest?.seq);
      return signItem(key, { salt, seq, value: bencode.encode({ v: 2 }) });
    }, wait)
  );
  assert.deepEqual(shown, [5, 5]);
  const found = await within((wait) => reader!.getMutable(name, wait));
  assert.deepEqual(found?.value, new Uint8Array(bencode.encode({ v: 2 })));
});

Deno.test("cas: what another machine puts in between is read before it is replaced", async () => {
  await using network = new DhtNetwork();
  const [laptop, desktop, reader] = await network.openMany(10);
  await within((wait) => laptop!.putMutable(itemOf(1), wait));
  const shown: (number | undefined)[] = [];
  const stored = await within((wait) =>
    desktop!.updateMutable(name, async (newest) => {
      shown.push(newest?.seq);
      if (shown.length === 1) await laptop!.putMutable(itemOf(2), wait);
      return itemOf(newest!.seq + 2);
    }, wait)
  );
  assert.deepEqual(shown, [1, 2]);
  assert.equal(stored, 8);
  assert.equal((await within((wait) => reader!.getMutable(name, wait)))?.seq, 4);
});

Deno.test("cas: an older item is put in the place of no newer one, not even here", async () => {
  await using network = new DhtNetwork();
  const [laptop, desktop, reader] = await network.openMany(10);
  await within((wait) => laptop!.putMutable(itemOf(7), wait));
  const shown: (number | undefined)[] = [];
  await within((wait) =>
    desktop!.updateMutable(name, (newest) => {
      shown.push(newest?.seq);
      return itemOf(6);
    }, wait)
  );
  assert.deepEqual(shown, [7]);
  for (const node of [laptop, desktop, reader]) {
    assert.equal((await within((wait) => node!.getMutable(name, wait)))?.seq, 7);
  }
});

Deno.test("cas: who puts on and on doesn't keep others busy for ever", async () => {
  await using network = new DhtNetwork();
  const [laptop, desktop] = await network.openMany(4);
  let rounds = 0;
  await within((wait) =>
    desktop!.updateMutable(name, async () => {
      await laptop!.putMutable(itemOf(10 + rounds++), wait);
      return itemOf(100);
    }, wait)
  );
  assert.ok(rounds <= 3);
});
