/** Bencoded values (BEP 3), info dictionaries and notices. */
import assert from "node:assert/strict";
// @ts-types="../../../lib/types/bencode.d.ts"
import bencode from "bencode";
import {
  type Bencoded,
  bencodedLength,
  BencodeError,
  decodeBencode,
} from "../../../lib/transports/torrent/bencode.ts";
import { parseInfo, pieceSize } from "../../../lib/transports/torrent/swarm/metainfo.ts";
import { readNotice } from "../../../lib/transports/torrent/swarm/notice.ts";
import { accepted, simple, type Target } from "../target.ts";

const MAX_LENGTH = 2 ** 40;

export const make = (): Target =>
  simple({
    form: "bencode",
    maxBytes: 64 * 1024,
    check,
  });

function check(input: Uint8Array): boolean {
  const sequence = readNotice(input);
  if (sequence !== undefined) assert.ok(Number.isSafeInteger(sequence) && sequence > 0);
  const info = accepted(() => parseInfo(input, MAX_LENGTH));
  if (info) {
    assert.equal(info.hashes.length, 20 * info.pieces);
    const last = pieceSize(info, info.pieces - 1);
    assert.ok(last > 0 && last <= info.pieceLength);
    assert.ok(info.length <= MAX_LENGTH && info.name.length > 0);
  }
  let decoded: ReturnType<typeof decodeBencode>;
  try {
    decoded = decodeBencode(input);
  } catch (error) {
    assert.ok(error instanceof BencodeError);
    assert.equal(bencodedLength(input), -1);
    return false;
  }
  const { value, end } = decoded;
  assert.ok(end > 0 && end <= input.length);
  assert.equal(bencodedLength(input), end);
  // What is accepted may reach the package: that ends, and what was canonical it writes alike.
  const written = encode(value);
  const again = decodeBencode(written);
  assert.equal(again.end, written.length);
  assert.deepEqual(encode(again.value), written);
  bencode.decode(written);
  return end === input.length;
}

/** The canonical form. */
function encode(value: Bencoded): Uint8Array {
  const parts: Uint8Array[] = [];
  const text = (latin1: string) => parts.push(Uint8Array.from(latin1, (c) => c.charCodeAt(0)));
  const write = (value: Bencoded) => {
    if (typeof value === "number") text(`i${value}e`);
    else if (value instanceof Uint8Array) {
      text(`${value.length}:`);
      parts.push(value);
    } else if (Array.isArray(value)) {
      text("l");
      for (const item of value) write(item);
      text("e");
    } else {
      text("d");
      for (const key of [...value.keys()].sort()) {
        text(`${key.length}:${key}`);
        write(value.get(key)!);
      }
      text("e");
    }
  };
  write(value);
  return new Uint8Array(parts.flatMap((part) => [...part]));
}
