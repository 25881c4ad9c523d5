/** What connects to the swarm's port: TLS or BitTorrent, and the first line of a live stream. */
import assert from "node:assert/strict";
import { ByteReader } from "../../../lib/common/byte_reader.ts";
import {
  decodeAnswer,
  decodeWanted,
  encodeHello,
  MAX_HELLO,
} from "../../../lib/transports/torrent/live/hello.ts";
import { sniff } from "../../../lib/transports/torrent/swarm/first_bytes.ts";
import { accepted, acceptedLater, inPieces, simple, type Target } from "../target.ts";
import { FakeSocket } from "./fake_socket.ts";

const TLS = [0x16, 0x03];
const WAIT_MS = 60_000;

export const make = (): Target =>
  simple({
    form: "json",
    maxBytes: 64 * 1024,
    check,
  });

async function check(input: Uint8Array): Promise<boolean> {
  const kind = await first(input);
  const hello = await line(input);
  return kind === "tls" || hello;
}

/** Tells which protocol it is, without taking a byte of it. */
async function first(input: Uint8Array): Promise<"tls" | "other" | undefined> {
  const fake = new FakeSocket();
  const told = sniff(fake.socket, WAIT_MS);
  for await (const piece of inPieces(input)) fake.say(piece);
  if (!isEnough(input)) fake.destroy();
  const kind = await told;
  const differs = input.subarray(0, 3).some((byte, i) => i < 2 ? byte !== TLS[i] : byte > 4);
  assert.equal(kind, differs ? "other" : input.length >= 3 ? "tls" : undefined);
  if (kind !== undefined) {
    fake.push(null);
    const rest: number[] = [];
    for await (const chunk of fake) rest.push(...chunk as Uint8Array);
    assert.deepEqual(Uint8Array.from(rest), input, "all of it is still to be read");
  }
  assert.equal(fake.listenerCount("data"), 0);
  fake.destroy();
  return kind;
}

function isEnough(input: Uint8Array): boolean {
  return input.length >= 3 || input.some((byte, i) => byte !== TLS[i]);
}

async function line(input: Uint8Array): Promise<boolean> {
  const reader = new ByteReader(inPieces(input));
  const read = await acceptedLater(() => reader.line(MAX_HELLO));
  if (!read) return false;
  assert.ok(read.length <= MAX_HELLO && !read.includes(0x0a));
  const wanted = accepted(() => decodeWanted(read));
  if (wanted) assert.deepEqual(decodeWanted(encodeHello(wanted).subarray(0, -1)), wanted);
  const answer = accepted(() => decodeAnswer(read));
  if (answer) assert.deepEqual(decodeAnswer(encodeHello(answer).subarray(0, -1)), answer);
  let rest = 0;
  for await (const chunk of reader.rest()) rest += chunk.length;
  assert.equal(read.length + 1 + rest, input.length, "what follows is kept");
  return wanted !== undefined || answer !== undefined;
}
