/** Peer exchange on a connection: what is taken from a peer's message, and what it is sent. */
import assert from "node:assert/strict";
import {
  exchangePeers,
  type Pex,
  type PexEvents,
} from "../../../../../lib/transports/torrent/swarm/pex.ts";
import { decodeBencode } from "../../../../../lib/transports/torrent/bencode.ts";
import { concat } from "./fixture.ts";
import { arrived, type End, known, withPair } from "./wire_pair.ts";

/** `count` addresses from the `first` on, in compact form. */
function addresses(count: number, first = 0): Uint8Array {
  const bytes = new Uint8Array(6 * count);
  for (let i = 0; i < count; i++) {
    const at = first + i;
    bytes.set([10, 0, at >> 8, at & 255, 0, 7], 6 * i);
  }
  return bytes;
}

const message = (field: string, list: Uint8Array, padding = 0) =>
  concat(`d${field.length}:${field}${list.length}:`, list, padding ? pad(padding) : "", "e");

/** A field of so many bytes that nobody knows. */
function pad(bytes: number): string {
  const length = bytes - `1:z${bytes}:`.length;
  const text = `1:z${length}:`;
  return text + "x".repeat(bytes - text.length);
}

/** Sends messages to a node with PEX, and answers what it found and dropped. */
async function received(...messages: readonly Uint8Array[]) {
  const found: string[] = [];
  const dropped: string[] = [];
  const greeted = Promise.withResolvers<void>();
  let far: Pex | undefined;
  await withPair({
    near: ({ wire }) => {
      exchangePeers(wire, {
        found: (peer) => void found.push(peer),
        dropped: (why) => void dropped.push(why),
      });
      wire.protocol.on("extended", (name) => name === "handshake" && greeted.resolve());
    },
    far: ({ wire }) => {
      far = exchangePeers(wire, { found: () => {}, dropped: () => {} });
    },
  }, async (near, other) => {
    await greeted.promise;
    await known(other, "ut_pex");
    for (const one of messages) other.wire.protocol.extended("ut_pex", one);
    await arrived(other, near);
    assert.equal(near.wire.closed, false);
    far!.stop();
  });
  return { found, dropped };
}

Deno.test("PEX: a hundred addresses are taken from one message, and it is counted if there are more", async () => {
  const all = await received(message("added", addresses(100)));
  assert.deepEqual([all.found.length, all.dropped], [100, []]);
  assert.deepEqual([all.found[0], all.found[99]], ["10.0.0.0:7", "10.0.0.99:7"]);
  const more = await received(message("added", addresses(101)));
  assert.deepEqual([more.found.length, more.dropped], [100, ["too-many-pex-peers"]]);
  const next = await received(
    message("added", addresses(101)),
    message("added", addresses(5, 900)),
  );
  assert.equal(next.found.length, 105, "the next message has its own hundred");
});

Deno.test("PEX: a message of 8 KiB is read, a longer one is not", async () => {
  const size = (message: Uint8Array) => message.length;
  const list = addresses(2);
  const room = 8192 - size(message("added", list));
  const longest = message("added", list, room);
  assert.equal(size(longest), 8192);
  assert.deepEqual(await received(longest), { found: ["10.0.0.0:7", "10.0.0.1:7"], dropped: [] });
  const longer = message("added", list, room + 1);
  assert.deepEqual(await received(longer), { found: [], dropped: ["oversized-pex"] });
});

Deno.test("PEX: six messages are read, and after that it is a flood", async () => {
  const messages = Array.from({ length: 8 }, (_, i) => message("added", addresses(1, i)));
  const { found, dropped } = await received(...messages);
  assert.deepEqual([found.length, dropped], [6, ["pex-flood", "pex-flood"]]);
});

Deno.test("PEX: more than a thousand addresses of one peer are forgotten, up to that they count once", async () => {
  const again = async (count: number) => {
    const many = message("added", addresses(count));
    return (await received(many, message("added", addresses(3)))).found.length;
  };
  assert.equal(await again(1000), 100);
  assert.equal(await again(1001), 103);
  // Of those it says have gone, too: what is forgotten may be told of to it again.
  const dropped = async (count: number) => {
    const gone = message("dropped", addresses(count));
    return await told(async (pex, other, near) => {
      other.wire.protocol.extended("ut_pex", gone);
      other.wire.protocol.extended("ut_pex", message("added", addresses(1, 5000)));
      await arrived(other, near);
      pex.drop("10.0.0.1:7");
      pex.add("10.9.9.9:7");
    });
  };
  assert.equal((await dropped(1000)).get("dropped")?.length, 0);
  assert.equal((await dropped(1001)).get("dropped")?.length, 6);
});

type Told = Map<string, Uint8Array>;

/** The first message that a node with PEX sends after `work`. */
async function told(
  work: (pex: Pex, other: End, near: End) => Promise<void> | void,
  events: Partial<PexEvents> = {},
): Promise<Told> {
  const heard = Promise.withResolvers<Told>();
  let pex: Pex | undefined;
  class Listener {
    onMessage(payload: Uint8Array): void {
      const { value } = decodeBencode(payload);
      heard.resolve(value as Told);
    }
  }
  Object.defineProperty(Listener.prototype, "name", { value: "ut_pex" });
  let message: Told | undefined;
  await withPair({
    near: ({ wire }) => {
      pex = exchangePeers(wire, { found: () => {}, dropped: () => {}, ...events });
    },
    far: ({ wire }) => {
      wire.protocol.extendedHandshake["v"] = new TextEncoder().encode("gtr");
      wire.protocol.use(Listener);
    },
  }, async (near, far) => {
    await Promise.all([known(near, "ut_pex"), known(far, "ut_pex")]);
    await work(pex!, far, near);
    message = await heard.promise;
    pex!.stop();
  });
  return message!;
}

Deno.test("PEX: a peer is told of both families' peers, as ones that can be dialled", async () => {
  const message = await told((pex) => {
    pex.add("10.0.0.1:7");
    pex.add("[2001:db8::1]:7");
    pex.drop("10.0.0.2:7");
    pex.drop("[2001:db8::2]:7");
  });
  const hex = (field: string) => (message.get(field) as Uint8Array).toHex();
  assert.equal(hex("added"), "0a0000010007");
  assert.equal(hex("added.f"), "10");
  assert.equal(hex("added6"), `20010db8${"0".repeat(23)}10007`);
  assert.equal(hex("added6.f"), "10");
  assert.equal(hex("dropped"), "0a0000020007");
  assert.equal(hex("dropped6"), `20010db8${"0".repeat(23)}20007`);
});

Deno.test("PEX: two hundred addresses wait to be told, of each kind, and no more", async () => {
  let sent = 0;
  let dropped = 0;
  await withPair({
    near: ({ wire }) => {
      // The other end has no PEX: nothing is ever sent, and all of it waits.
      const pex = exchangePeers(wire, { found: () => {}, dropped: () => {} });
      const { ut_pex: extension } = wire.protocol as unknown as {
        ut_pex: { _localAddedPeers: object; _localDroppedPeers: object };
      };
      for (let i = 0; i < 300; i++) pex.add(`10.0.${i >> 8}.${i & 255}:7`);
      sent = Object.keys(extension._localAddedPeers).length;
      for (let i = 0; i < 300; i++) pex.drop(`10.1.${i >> 8}.${i & 255}:7`);
      dropped = Object.keys(extension._localDroppedPeers).length;
    },
  }, () => Promise.resolve());
  assert.deepEqual([sent, dropped], [200, 200]);
});
