/** git's wire protocol (pkt-line): streams cut into packets and requests, and what servers answer. */
import assert from "node:assert/strict";
import { packetOf, PacketReader, textOf as lineOf } from "../../../lib/common/pkt_line.ts";
import { RequestCutter } from "../../../lib/transports/default/request_cutter.ts";
import {
  checkReport,
  readAdvertisement,
} from "../../../lib/transports/nostr/grasp/receive_pack.ts";
import { accepted, acceptedLater, inPieces, simple, type Target } from "../target.ts";

const MAX_REQUEST = 64 * 1024;
const LONGEST = 65_520;
/** Nothing follows. */
const END: unique symbol = Symbol();

export const make = (): Target =>
  simple({
    form: "packets",
    maxBytes: 160 * 1024,
    check,
  });

async function check(input: Uint8Array): Promise<boolean> {
  const whole = await packets(input);
  cut(input);
  const advertised = await acceptedLater(() => readAdvertisement(inPieces(input)));
  for (const [ref, oid] of advertised?.refs ?? []) {
    assert.match(ref, /^\S+$/);
    assert.match(oid, /^([0-9a-f]{40}|[0-9a-f]{64})$/);
  }
  const none = "0".repeat(40);
  const commands = [{ ref: "refs/heads/main", from: none, to: "a".repeat(40) }];
  await acceptedLater(() => checkReport(inPieces(input), commands));
  return whole || advertised !== undefined;
}

/** All packets are what was sent, byte for byte; whether that is all. */
async function packets(input: Uint8Array): Promise<boolean> {
  const reader = new PacketReader(inPieces(input));
  let at = 0;
  const read = () => acceptedLater(async () => await reader.next() ?? END);
  for (let packet = await read(); packet !== END; packet = await read()) {
    if (!packet) return false;
    const { raw, content, kind } = packet;
    assert.ok(raw.length <= LONGEST);
    assert.deepEqual(raw, input.subarray(at, at + raw.length));
    assert.equal(content.length, kind === "data" ? raw.length - 4 : 0);
    const text = lineOf(packet);
    if (kind === "data" && isUtf8(content)) {
      const written = packetOf(text).subarray(4);
      assert.deepEqual(written, content.subarray(0, written.length));
      assert.ok(content.length - written.length <= 1, "all but a newline");
    }
    at += raw.length;
  }
  assert.equal(at, input.length);
  return true;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return bytes[0] !== 0xef; // a mark at the beginning is taken off
  } catch {
    return false;
  }
}

/** Requests are what was sent, however it was cut, and never longer than the bound. */
function cut(input: Uint8Array): void {
  const [one, pieces] = [new RequestCutter(MAX_REQUEST), new RequestCutter(MAX_REQUEST)];
  const whole = accepted(() => one.push(input));
  const joined = accepted(() => {
    const found: Uint8Array[] = [];
    for (let at = 0; at < input.length; at += 7) {
      found.push(...pieces.push(input.slice(at, at + 7)));
    }
    return found;
  });
  assert.deepEqual(joined, whole, "however it is cut");
  let at = 0;
  for (const request of whole ?? []) {
    assert.ok(request.length <= MAX_REQUEST);
    assert.deepEqual(Uint8Array.from(request), input.subarray(at, at + request.length));
    at += request.length;
  }
}
