/**
 * Our UDX with the original, udx-native on Node, on the other side.
 *
 * @module
 */
import assert from "node:assert/strict";
import { LossyPath } from "../../scripts/local/lossy_path.ts";
import { nativeUdx } from "../../scripts/local/native_udx.ts";
import { type PeerOptions, UdxPeer } from "../../scripts/local/udx_peer.ts";

const HOST = "127.0.0.1";
const found = await nativeUdx();
const reason = "reason" in found ? ` (${found.reason})` : "";
const native: PeerOptions = "folder" in found ? { native: found.folder } : {};

/** Each kind of our back-end, and which side it is on. */
const PAIRS: readonly [string, PeerOptions, PeerOptions][] = [
  ["from ours to native", {}, native],
  ["from native to ours", native, {}],
  ["from ours with node:dgram to native", { backend: "dgram" }, native],
  ["from native to ours with node:dgram", native, { backend: "dgram" }],
];

function test(name: string, run: () => Promise<void>): void {
  Deno.test({ name: `udx-native: ${name}${reason}`, ignore: reason !== "", fn: run });
}

/** Two peers with a socket each. */
async function pair(a: PeerOptions, b: PeerOptions) {
  const stack = new AsyncDisposableStack();
  const peers = [stack.use(new UdxPeer(a)), stack.use(new UdxPeer(b))] as const;
  const ports = await Promise.all(
    peers.map(async (p) => (await p.call("bind", { host: HOST })).port),
  );
  return {
    a: peers[0],
    b: peers[1],
    portA: ports[0]!,
    portB: ports[1]!,
    stack,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

for (const [name, first, second] of PAIRS) {
  test(`a stream of 20 MB ${name}`, async () => {
    await using world = await pair(first, second);
    const { a, b, portA, portB } = world;
    await a.call("stream", { id: 1, remote: 2, port: portB, host: HOST });
    await b.call("stream", { id: 2, remote: 1, port: portA, host: HOST });
    const received = b.call("ended", { id: 2 });
    const { sha1, flushed } = await a.call("write", { id: 1, bytes: 20_000_000 });
    assert.ok(flushed);
    assert.deepEqual({ ...await received, ms: 0 }, { bytes: 20_000_000, sha1, ms: 0 });
    await b.call("end", { id: 2 });
    assert.equal((await a.call("closed", { id: 1 })).reason, null);
    assert.equal((await b.call("closed", { id: 2 })).reason, null);
  });

  test(`an echo of 3 MB with 5 % of loss ${name}`, async () => {
    await using world = await pair(first, second);
    const { a, b, portA, portB, stack } = world;
    const path = stack.use(new LossyPath(HOST, portA, portB, { loss: 0.05 }));
    await a.call("stream", { id: 1, remote: 2, port: path.port, host: HOST });
    await b.call("stream", { id: 2, remote: 1, port: path.port, host: HOST, hold: true });
    await b.call("echo", { id: 2 });
    const received = a.call("ended", { id: 1 });
    const { sha1 } = await a.call("write", { id: 1, bytes: 3_000_000 });
    const back = await received;
    assert.deepEqual([back.bytes, back.sha1], [3_000_000, sha1]);
    assert.ok(path.lost > 100, `only ${path.lost} packets were lost`);
  });

  test(`messages, and a stream that is destroyed, ${name}`, async () => {
    await using world = await pair(first, second);
    const { a, b, portA, portB } = world;
    await a.call("stream", { id: 1, remote: 2, port: portB, host: HOST });
    await b.call("stream", { id: 2, remote: 1, port: portA, host: HOST });
    await a.call("message", { id: 1, text: "there" });
    assert.equal((await b.call("nextMessage", { id: 2 })).text, "there");
    await b.call("message", { id: 2, text: "back" });
    assert.equal((await a.call("nextMessage", { id: 1 })).text, "back");
    await a.call("write", { id: 1, bytes: 1000, open: true });
    await a.call("destroy", { id: 1 });
    assert.equal((await b.call("closed", { id: 2 })).reason, "ECONNRESET");
    assert.equal((await a.call("closed", { id: 1 })).reason, null);
  });

  test(`the first packet connects, numbers wrap around, ${name}`, async () => {
    await using world = await pair(first, second);
    const { a, b, portB } = world;
    const seq = 0xffffffff - 100;
    await b.call("stream", { id: 2, remote: 1 });
    await a.call("stream", { id: 1, remote: 2, port: portB, host: HOST });
    const received = b.call("ended", { id: 2 });
    const { sha1 } = await a.call("write", { id: 1, bytes: 100_000 });
    assert.equal((await received).sha1, sha1);

    await a.call("stream", { id: 3, remote: 4, port: portB, host: HOST, seq });
    await b.call("stream", { id: 4, remote: 3, port: world.portA, host: HOST, ack: seq });
    const wrapped = b.call("ended", { id: 4 });
    const sent = await a.call("write", { id: 3, bytes: 1_000_000 });
    assert.equal((await wrapped).sha1, sent.sha1);
  });
}

for (const [name, middle] of [["ours", {}], ["native", native]] as const) {
  test(`${name} relays between native and ours, which then go on without it`, async () => {
    await using world = await pair(native, {});
    const { a, b, portA, portB, stack } = world;
    const relay = stack.use(new UdxPeer(middle));
    const { port } = await relay.call("bind", { host: HOST });
    await relay.call("stream", { id: 10, remote: 1, port: portA, host: HOST, hold: true });
    await relay.call("stream", { id: 20, remote: 2, port: portB, host: HOST, hold: true });
    await relay.call("relay", { from: 10, to: 20 });
    await relay.call("relay", { from: 20, to: 10 });
    await a.call("stream", { id: 1, remote: 10, port, host: HOST });
    await b.call("stream", { id: 2, remote: 20, port, host: HOST });
    const received = b.call("ended", { id: 2 });
    const back = a.call("ended", { id: 1 });
    await a.call("write", { id: 1, bytes: 1_000_000, open: true });
    await b.call("write", { id: 2, bytes: 500_000, open: true });
    assert.equal((await a.call("stats", { id: 1 })).remotePort, port);

    await Promise.all([
      a.call("change", { id: 1, remote: 2, port: portB, host: HOST }),
      b.call("change", { id: 2, remote: 1, port: portA, host: HOST }),
      // A change is told when something is acknowledged.
      a.call("write", { id: 1, bytes: 1000, open: true }),
      b.call("write", { id: 2, bytes: 1000, open: true }),
    ]);
    await relay.call("destroy", { id: 10 });
    await a.call("write", { id: 1, bytes: 1_000_000 });
    await b.call("write", { id: 2, bytes: 500_000 });
    assert.equal((await received).bytes, 2_001_000);
    assert.equal((await back).bytes, 1_001_000);
    assert.equal((await a.call("closed", { id: 1 })).reason, null);
    assert.equal((await b.call("closed", { id: 2 })).reason, null);
  });
}
