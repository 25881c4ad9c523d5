/** Messages that are longer than gtr's own: hyperdht would collect 16 MiB of each. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { UDXStream } from "@gtr/udx";
import { abortable, deadline } from "../../lib/common/wait.ts";
import { Conversation } from "../../lib/transports/holepunch/conversation.ts";
import { MAX_MESSAGE } from "../../lib/transports/holepunch/message_limit.ts";
import { HyperNode } from "../../lib/transports/holepunch/node.ts";
import type { NoiseStream } from "../../lib/types/hyperdht.d.ts";
import { HolepunchNetwork } from "./holepunch_nodes.ts";
import { makeManifest, publish, resolveLast, testKey } from "./publications.ts";
import { openManifest } from "../fixtures/open_manifest.ts";

const [alice, bob] = [testKey(1), testKey(2)];
const DEADLINE_MS = 60_000;

function plainNode(network: HolepunchNetwork): Promise<HyperNode> {
  const bootstrap = [network.bootstrap];
  return HyperNode.open({ host: "127.0.0.1", port: 0, bootstrap, seed: randomBytes(32) });
}

/** Resolves when the other side has hung up. */
function ended(stream: NoiseStream): Promise<void> {
  return new Promise((resolve) => stream.on("close", () => resolve()));
}

Deno.test("holepunch: a peer that announces a long message is hung up on, and counted", async () => {
  await using network = await HolepunchNetwork.make();
  const a = await network.join(alice);
  const signed = makeManifest(alice, a);
  await publish(a, signed, []);
  await using stranger = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "connections to end");
  const key = a.endpoints()[0]!;
  const announced = await stranger.connect({ key }, limit.signal);
  const end = ended(announced);
  (announced.rawStream as unknown as UDXStream).write(Buffer.of(0xff, 0xff, 0xff)); // and nothing of it
  await abortable(end, limit.signal);
  const sent = await stranger.connect({ key }, limit.signal);
  sent.write(Buffer.alloc(MAX_MESSAGE + 1, 0x20));
  await abortable(ended(sent), limit.signal);
  assert.equal(network.dropped.toJSON()["long-message"], 2);
  const longest = await stranger.connect({ key }, limit.signal);
  longest.write(Buffer.alloc(MAX_MESSAGE, 0x20)); // is read, and no request
  await abortable(ended(longest), limit.signal);
  assert.equal(network.dropped.toJSON()["long-message"], 2);
  assert.equal(network.dropped.toJSON()["bad-message"], 1);
  assert.deepEqual(await resolveLast(await network.join(bob), alice), signed);
});

Deno.test("holepunch: nor does who asks collect what a peer announces", async () => {
  await using network = await HolepunchNetwork.make();
  await using liar = await plainNode(network);
  await using asker = await plainNode(network);
  using limit = deadline(DEADLINE_MS, "a connection to end");
  const closed = Promise.withResolvers<void>();
  await liar.listen(() => true, (stream) => {
    stream.on("close", () => closed.resolve());
    (stream.rawStream as unknown as UDXStream).write(Buffer.of(0xff, 0xff, 0xff));
  });
  using conversation = await Conversation.open(
    asker,
    { key: liar.key },
    { openManifest },
    limit.signal,
  );
  const manifest = conversation.manifest({ id: alice.id, name: "hello" }, limit.signal);
  await assert.rejects(manifest, { code: "no-live-peer" });
  await abortable(closed.promise, limit.signal);
});
