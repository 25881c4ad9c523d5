/** What peers say on a Noise stream of holepunch: to who serves, to who asks, and around it. */
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { ByteReader } from "../../../lib/common/byte_reader.ts";
import { MAX_MESSAGE, messageCheck } from "../../../lib/transports/holepunch/message_limit.ts";
import { Conversation } from "../../../lib/transports/holepunch/conversation.ts";
import {
  decodeNotice,
  decodeReply,
  decodeRequest,
  encodeLine,
  MAX_HAVE,
  MAX_LINE,
  MAX_PEERS,
} from "../../../lib/transports/holepunch/messages.ts";
import type { HyperNode } from "../../../lib/transports/holepunch/node.ts";
import type { NoiseStream } from "../../../lib/types/hyperdht.d.ts";
import { accepted, acceptedLater, inPieces, simple, type Target } from "../target.ts";
import { openManifest } from "../../fixtures/open_manifest.ts";

type Line = ReturnType<typeof decodeRequest | typeof decodeReply | typeof decodeNotice>;

/** What encryption adds to a message. */
const TAG = 17;
/** Lines of one conversation that are read. */
const MAX_REPLIES = 100;
const MAX_BYTES = 4 * 1024 * 1024;
const SHA256 = "a".repeat(64);
const ID = "b".repeat(40);

export const make = (): Target =>
  simple({
    form: "json",
    maxBytes: 64 * 1024,
    check,
  });

async function check(input: Uint8Array): Promise<boolean> {
  lengths(input);
  const lines = await lineByLine(input);
  const answered = await ask(input);
  return lines || answered;
}

/** Says the same of the messages' lengths, however they are cut. */
function lengths(input: Uint8Array): void {
  let isShort = true;
  for (let at = 0; at + 3 <= input.length;) {
    const length = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16);
    if (length > MAX_MESSAGE + TAG) isShort = false;
    at += 3 + length;
  }
  const [whole, cut] = [messageCheck(), messageCheck()];
  assert.equal(whole(input), isShort);
  let last = true;
  for (let at = 0; at < input.length; at += 5) last = cut(input.subarray(at, at + 5));
  assert.equal(last, isShort);
}

/** Each line as the one or the other side would read it. */
async function lineByLine(input: Uint8Array): Promise<boolean> {
  const reader = new ByteReader(inPieces(input));
  let right = false;
  for (let n = 0; n < MAX_REPLIES; n++) {
    const line = await acceptedLater(() => reader.line(MAX_LINE));
    if (!line) break;
    for (const decode of [decodeRequest, decodeReply, decodeNotice]) {
      const said = accepted<Line>(() => decode(line));
      if (!said) continue;
      right = true;
      const written = encodeLine(said);
      assert.deepEqual(encodeLine(decode(written.subarray(0, -1))), written);
      if ("have" in said) assert.ok(said.have.length <= MAX_HAVE);
      if ("peers" in said) assert.ok(said.peers.length <= MAX_PEERS);
      if ("have" in said || "peers" in said || "want" in said) assert.ok(written.length <= 1024);
    }
  }
  return right;
}

/** A peer answers with the input. */
async function ask(input: Uint8Array): Promise<boolean> {
  let right = false;
  for (const talk of [askManifest, askPack, askNotices]) {
    const stream = new FakeStream();
    const node = { connect: () => Promise.resolve(stream as unknown as NoiseStream) };
    const signal = new AbortController().signal;
    const peer = { key: SHA256 };
    const conversation = await Conversation.open(node as unknown as HyperNode, peer, {
      openManifest,
    }, signal);
    const done = acceptedLater(() => talk(conversation, signal));
    for await (const piece of inPieces(input)) stream.emit("data", piece);
    stream.emit("end");
    stream.destroy();
    if (await done) right = true;
    conversation.hangUp();
  }
  return right;
}

async function askManifest(conversation: Conversation, signal: AbortSignal): Promise<boolean> {
  return !!await conversation.manifest({ id: ID, name: "hello" }, signal);
}

async function askPack(conversation: Conversation, signal: AbortSignal): Promise<boolean> {
  await conversation.send({ version: 1, want: "have", sha256: SHA256 }, signal);
  const want = { version: 1, want: "pack", sha256: SHA256, first: 0, of: "ff", most: 1 } as const;
  await conversation.send(want, signal);
  for (let n = 0; n < 2; n++) {
    const size = await conversation.answer(MAX_BYTES, signal);
    assert.ok(size > 0 && size <= MAX_BYTES);
    assert.equal((await conversation.bytes(size, signal)).length, size);
  }
  return true;
}

async function askNotices(conversation: Conversation, signal: AbortSignal): Promise<boolean> {
  let count = 0;
  for await (const sequence of conversation.notices({ id: ID, name: "hello" }, signal)) {
    assert.ok(Number.isSafeInteger(sequence) && sequence >= 0);
    if (++count === MAX_REPLIES) break;
  }
  return count > 0;
}

/** A Noise stream without a network. */
class FakeStream extends EventEmitter {
  readonly rawStream = { remoteHost: "198.51.100.7", remotePort: 1, prependListener: () => {} };
  destroying = false;

  write(): boolean {
    return true;
  }

  end(): void {}
  pause(): void {}
  resume(): void {}

  destroy(): void {
    if (this.destroying) return;
    this.destroying = true;
    this.emit("close");
  }
}
