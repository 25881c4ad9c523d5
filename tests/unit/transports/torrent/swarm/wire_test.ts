/** A connection whose other end may do anything: its bounds, and how it ends. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import { closed, endOf, socketPair, withPair } from "./wire_pair.ts";

/** A message that is claimed to have `length` bytes. */
const head = (length: number) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
};

const BITS = new Uint8Array(64 * 1024);

/** Lets sockets write. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

Deno.test("wire: messages of up to 256 KiB are read, longer ones end the connection", async () => {
  await withPair({}, async (near, far) => {
    const unknown = new Uint8Array(256 * 1024).fill(99); // a message of a kind that nobody knows
    far.socket.write(head(unknown.length));
    far.socket.write(unknown);
    const had = new Promise<void>((resolve) => near.wire.protocol.on("have", () => resolve()));
    far.wire.protocol.have(1);
    await had;
    assert.deepEqual(near.dropped, []);
    far.socket.write(head(256 * 1024 + 1));
    await closed(near);
    assert.deepEqual(near.dropped, ["oversized-message"]);
    await closed(far);
    assert.deepEqual(far.dropped, []);
  });
});

Deno.test("wire: a peer that leaves 4 MiB unread is hung up on, and it is said why", async () => {
  await withPair({}, async (near, far) => {
    far.socket.pause();
    let before = 0;
    for (let i = 0; i < 500 && !near.wire.closed; i++) {
      before = near.wire.backlog;
      assert.ok(before <= 4 << 20);
      near.wire.protocol.bitfield(BITS);
      await turn();
    }
    assert.ok(before > (4 << 20) - 2 * BITS.length, `${before} bytes`);
    await closed(near);
    assert.deepEqual(near.dropped, ["peer-does-not-read"]);
  });
});

Deno.test("wire: what is written in one turn goes out in one system call", async () => {
  const [one, other] = await socketPair();
  const near = endOf(one, true);
  const sent: number[] = [];
  const writev = one as unknown as Record<"_writev", (chunks: unknown[], done: unknown) => void>;
  const send = writev._writev;
  writev._writev = function (chunks, done) {
    sent.push(chunks.length);
    return send.call(this, chunks, done);
  };
  const greeted = new Promise((resolve) => other.once("data", resolve));
  near.wire.protocol.handshake("ab".repeat(20), "1".repeat(40), { dht: false, fast: false });
  await greeted;
  sent.length = 0;
  for (const piece of [1, 2, 3, 4]) near.wire.protocol.have(piece);
  await turn();
  assert.equal(sent.length, 1);
  near.wire.protocol.have(5);
  near.wire.protocol.have(6);
  await turn();
  assert.equal(sent.length, 2, "and so it is in each turn");
  near.wire.close();
  other.destroy();
});

Deno.test("wire: who waits for it to drain goes on when the peer reads again, or is gone", async () => {
  await withPair({}, async (near, far) => {
    const fill = async () => {
      far.socket.pause();
      for (let i = 0; i < 500 && near.wire.backlog < 1 << 20; i++) {
        near.wire.protocol.bitfield(BITS);
        await turn();
      }
      assert.ok(near.wire.backlog >= 1 << 20);
    };
    await near.wire.drained();
    let isDrained = false;
    await fill();
    const draining = near.wire.drained().then(() => isDrained = true);
    await turn();
    assert.equal(isDrained, false);
    far.socket.resume();
    await draining;
    assert.equal(near.wire.backlog, 0);
    await fill();
    const waiting = near.wire.drained();
    near.wire.close();
    await waiting;
    await near.wire.drained();
  });
});

Deno.test("wire: it ends once, with the first reason, and tells all who want to know", async () => {
  await withPair({}, async (near, far) => {
    const told: string[] = [];
    near.wire.onClose(() => told.push("a"));
    near.wire.onClose(() => told.push("b"));
    assert.equal(near.wire.closed, false);
    near.wire.close("odd");
    near.wire.close("odder");
    assert.deepEqual([near.wire.closed, near.dropped, told], [true, ["odd"], ["a", "b"]]);
    near.wire.onClose(() => told.push("late"));
    assert.deepEqual(told, ["a", "b", "late"]);
    await turn();
    assert.ok(near.socket.destroyed && near.wire.protocol.destroyed);
    near.wire.protocol.have(1); // goes nowhere
    await closed(far);
  });
});

Deno.test("wire: it ends with its socket, however that ends", async () => {
  for (
    const end of [
      (socket: Socket) => socket.end(),
      (socket: Socket) => socket.destroy(),
      (socket: Socket) => socket.resetAndDestroy(),
    ]
  ) {
    await withPair({}, async (near, far) => {
      end(far.socket);
      await closed(near);
      assert.deepEqual(near.dropped, []);
    });
  }
});

Deno.test("wire: a peer that says nothing for so long is hung up on, one that has no limit isn't", async () => {
  await withPair({}, async (near, far) => {
    far.wire.setIdleTimeout(0);
    near.wire.setIdleTimeout(20);
    await closed(near);
    assert.equal(far.dropped.length, 0);
  });
});

Deno.test("wire: what breaks the protocol ends the connection, and it is counted", async () => {
  const [one, other] = await socketPair();
  const near = endOf(one, true);
  near.wire.protocol.handshake("ab".repeat(20), "1".repeat(40), { dht: false, fast: false });
  other.write(`\x13NotTorrent protocol${"x".repeat(48)}`);
  await closed(near);
  assert.equal(near.dropped.length, 1);
  other.destroy();
});

Deno.test("wire: an exception of a listener is a bad message, and ends it", async () => {
  await withPair({}, async (near, far) => {
    near.wire.protocol.on("have", () => {
      throw new Error("absurd");
    });
    far.wire.protocol.have(1);
    await closed(near);
    assert.deepEqual(near.dropped, ["bad-message"]);
  });
});

Deno.test("wire: a bad message of an extension doesn't reach it", async () => {
  await withPair({}, async (near, far) => {
    near.wire.protocol.on("extended", (name) => assert.equal(name, "handshake"));
    const body = new TextEncoder().encode("\x14\x01l-3:");
    far.socket.write(head(body.length));
    far.socket.write(body);
    await closed(near);
    assert.deepEqual(near.dropped, ["bad-extension-message"]);
  });
});

Deno.test("wire: each end knows where the other is", async () => {
  await withPair({}, (near, far) => {
    assert.deepEqual([near.wire.outgoing, far.wire.outgoing], [true, false]);
    for (const [end, other] of [[near, far], [far, near]] as const) {
      assert.deepEqual([end.wire.host, end.wire.ownHost], ["127.0.0.1", "127.0.0.1"]);
      assert.equal(end.wire.port, other.socket.localPort);
    }
    return Promise.resolve();
  });
});
