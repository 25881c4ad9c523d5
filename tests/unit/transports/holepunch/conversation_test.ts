/** What is asked of one peer, and what of its answers is believed. */
import assert from "node:assert/strict";
import { encodeEnvelope } from "../../../../lib/manifest/envelope.ts";
import { signManifest } from "../../../../lib/manifest/manifest.ts";
import { Conversation } from "../../../../lib/transports/holepunch/conversation.ts";
import { MAX_LINE } from "../../../../lib/transports/holepunch/messages.ts";
import type { HyperNode } from "../../../../lib/transports/holepunch/node.ts";
import { key, manifest } from "../../manifest/fixture.ts";
import { streamPair } from "./stream_pair.ts";
import { openManifest } from "../../../fixtures/open_manifest.ts";

const signal = AbortSignal.timeout(100_000);
const PEER = { key: "a".repeat(64) };
const HELLO = { id: key.id, name: "hello" };
const PACK = { version: 1, want: "pieces", sha256: "b".repeat(64) } as const;
const encode = (text: string) => new TextEncoder().encode(text);

/** A conversation with somebody who says what the test wants. */
async function talk(keep?: (conversation: Conversation) => boolean) {
  const [here, there] = streamPair();
  const node = { connect: () => Promise.resolve(here.noise) } as unknown as HyperNode;
  const conversation = await Conversation.open(node, PEER, { openManifest, keep }, signal);
  let heard = "";
  there.noise.on("data", (chunk) => heard += new TextDecoder().decode(chunk));
  return {
    conversation,
    here,
    there,
    says: (...parts: readonly (object | Uint8Array)[]) => {
      for (const part of parts) {
        there.write(part instanceof Uint8Array ? part : encode(`${JSON.stringify(part)}\n`));
      }
    },
    /** What the peer was asked. */
    asked: () => heard.split("\n").filter(Boolean).map((line) => JSON.parse(line)),
    [Symbol.dispose]: () => here.destroy(),
  };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("conversation: answers come in their order, news of a pack in between", async () => {
  using t = await talk();
  const { conversation } = t;
  await conversation.send(PACK, signal);
  await conversation.send(PACK, signal);
  t.says({ version: 1, have: [3] }, { version: 1, bytes: 3 }, encode("abc"));
  t.says({ version: 1, peers: [] }, { version: 1, bytes: 2, piece: 7 });
  assert.deepEqual(await conversation.reply(signal), { version: 1, have: [3] });
  assert.equal(await conversation.answer(3, signal), 3);
  assert.deepEqual(await conversation.bytes(3, signal), encode("abc"));
  assert.deepEqual(await conversation.reply(signal), { version: 1, peers: [] });
  assert.deepEqual(await conversation.reply(signal), { version: 1, bytes: 2, piece: 7 });
  assert.deepEqual(t.asked(), [PACK, PACK]);
});

Deno.test("conversation: more than was asked for, or unasked, is wrong; a refusal is none", async () => {
  using t = await talk();
  const { conversation } = t;
  const wrong = { name: "VerificationError", code: "bad-message" };
  await conversation.send(PACK, signal);
  t.says({ version: 1, bytes: 4 }, encode("abcd"));
  await assert.rejects(conversation.answer(3, signal), wrong);
  await conversation.bytes(4, signal);
  await conversation.send(PACK, signal);
  t.says({ version: 1, refused: "busy" });
  await assert.rejects(conversation.answer(3, signal), {
    code: "refused",
    message: `holepunch peer ${"a".repeat(12)} refuses: busy`,
  });
  t.says({ version: 1, bytes: 1 });
  await assert.rejects(conversation.reply(signal), { ...wrong, message: /what nobody asked/ });
  using long = await talk();
  long.says(encode("x".repeat(MAX_LINE + 1)));
  await assert.rejects(long.conversation.reply(signal), { name: "VerificationError" });
});

Deno.test("conversation: a line that somebody gave up waiting for is the next one's", async () => {
  using t = await talk();
  await t.conversation.send(PACK, signal);
  const leaving = new AbortController();
  const waiting = t.conversation.reply(leaving.signal);
  leaving.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  t.says({ version: 1, have: [1] }, { version: 1, bytes: 5 });
  assert.deepEqual(await t.conversation.reply(signal), { version: 1, have: [1] });
  assert.deepEqual(await t.conversation.reply(signal), { version: 1, bytes: 5 });
});

Deno.test("conversation: it is kept only if nothing is left unanswered or unread", async () => {
  const offered: Conversation[] = [];
  const keep = (conversation: Conversation) => offered.push(conversation) > 0;
  using t = await talk(keep);
  const { conversation } = t;
  conversation[Symbol.dispose]();
  assert.deepEqual([offered.splice(0), t.here.destroying], [[conversation], false]);
  await conversation.send(PACK, signal);
  t.says({ version: 1, bytes: 3 }, encode("abc"));
  await conversation.answer(3, signal);
  await conversation.bytes(3, signal);
  conversation[Symbol.dispose]();
  assert.deepEqual([offered.splice(0), t.here.destroying], [[conversation], false]);
  assert.equal(conversation.isBroken, false);
  conversation.hangUp();
  assert.equal(conversation.isBroken, true);
  conversation[Symbol.dispose]();
  assert.deepEqual(offered, [], "it is broken");

  using unanswered = await talk(keep);
  await unanswered.conversation.send(PACK, signal);
  unanswered.conversation[Symbol.dispose]();
  assert.deepEqual([offered, unanswered.here.destroying], [[], true]);
  using unread = await talk(keep);
  await unread.conversation.send(PACK, signal);
  unread.says({ version: 1, bytes: 3 }, encode("abc"));
  await unread.conversation.answer(3, signal);
  await unread.conversation.bytes(2, signal);
  unread.conversation[Symbol.dispose]();
  assert.deepEqual([offered, unread.here.destroying], [[], true]);
  using unwanted = await talk(() => false);
  unwanted.conversation[Symbol.dispose]();
  assert.equal(unwanted.here.destroying, true);
  using alone = await talk();
  alone.conversation[Symbol.dispose]();
  assert.equal(alone.here.destroying, true);
});

Deno.test("conversation: one that has been silent for six seconds ends with an error", async () => {
  const real = performance.now;
  let now = 1_000_000;
  performance.now = () => now;
  try {
    for (
      const [silentMs, hears, isLost] of [
        [6_000, false, false],
        [6_001, false, true],
        [6_001, true, false],
      ] as const
    ) {
      using t = await talk();
      let heard = 0;
      t.conversation.heard = () => heard++;
      now += silentMs;
      if (hears) t.says(encode("x"));
      t.conversation.hangUp();
      assert.equal(t.here.endedBy instanceof Error, isLost);
      assert.equal(heard, hears ? 1 : 0);
      await turn();
    }
  } finally {
    performance.now = real;
  }
});

Deno.test("conversation: a manifest is believed if it is signed, and the one that was asked for", async () => {
  const signed = signManifest(manifest({ name: "hello" }), key);
  const envelope = encodeEnvelope(signed);
  using t = await talk();
  const answer = (bytes: Uint8Array) => t.says({ version: 1, bytes: bytes.length }, bytes);
  answer(envelope);
  assert.deepEqual(await t.conversation.manifest(HELLO, signal), signed);
  assert.deepEqual(t.asked(), [{ version: 1, want: "manifest", ...HELLO }]);
  const forged = envelope.slice();
  forged[20]! ^= 1;
  const cases = [
    [envelope, { ...HELLO, id: "1".repeat(40) }],
    [envelope, { ...HELLO, name: "other" }],
    [envelope, { ...HELLO, publicKey: "1".repeat(64) }],
    [forged, HELLO],
  ] as const;
  for (const [bytes, wanted] of cases) {
    answer(bytes);
    await assert.rejects(t.conversation.manifest(wanted, signal), { name: "VerificationError" });
  }
});

Deno.test("conversation: a live stream follows a manifest that is new enough", async () => {
  const { publisher } = manifest();
  const at = (sequence: number) => signManifest(manifest({ name: "hello", sequence }), key);
  const ask = async (has: number, wants: number) => {
    const t = await talk(() => assert.fail("a live stream is not kept"));
    const envelope = encodeEnvelope(at(has));
    t.says({ version: 1, bytes: envelope.length }, envelope, encode("0008NAK\n"));
    return { t, live: t.conversation.live(at(wants), signal) };
  };
  for (const [has, wants] of [[5, 5], [6, 5]] as const) {
    const { t, live } = await ask(has, wants);
    using _t = t;
    const { readable, writable, manifest: told } = await live;
    assert.equal(told.manifest.sequence, has);
    assert.deepEqual(t.asked(), [
      { version: 1, want: "live", publisher, name: "hello", sequence: wants },
    ]);
    assert.deepEqual((await readable.getReader().read()).value, encode("0008NAK\n"));
    await writable.getWriter().write(encode("{}\n"));
    await turn();
    assert.deepEqual(t.asked().at(-1), {});
    t.conversation[Symbol.dispose]();
    assert.equal(t.here.destroying, true);
  }
  const { t, live } = await ask(4, 5);
  using _t = t;
  await assert.rejects(live, { code: "old-manifest", message: /holds publication 4, not 5$/ });
});

Deno.test("conversation: notices, until there is nothing to tell or the peer has gone", async () => {
  using t = await talk();
  const notices = t.conversation.notices(HELLO, signal);
  t.says({ version: 1, sequence: 3 }, { version: 1, have: [1] }, { version: 1, sequence: 4 });
  assert.equal((await notices.next()).value, 3);
  assert.equal((await notices.next()).value, 4);
  assert.deepEqual(t.asked(), [{ version: 1, want: "notices", ...HELLO }]);
  t.says({ version: 1, refused: "unknown" });
  await assert.rejects(notices.next(), { code: "refused" });
  using gone = await talk();
  const broken = gone.conversation.notices(HELLO, signal).next();
  gone.there.destroy();
  await assert.rejects(broken, { code: "no-live-peer", message: /^lost holepunch peer a{12}: / });
  await assert.rejects(gone.conversation.send(PACK, signal), { code: "no-live-peer" });
  assert.equal(gone.conversation.host, "192.0.2.7");
});
