/**
 * A strict, bounded decoder for bencoded data that comes from the network (BEP 3).
 *
 * The `bencode` package follows negative string lengths backwards: the four bytes `l-3:` make it
 * loop until memory is gone. Nothing from a peer may reach it before {@linkcode bencodedLength} or
 * {@linkcode decodeBencode} accepted the bytes.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** A decoded value; byte strings are views into the input. */
export type Bencoded = number | Uint8Array | Bencoded[] | Map<string, Bencoded>;

/** Values nested deeper than this are refused. */
const MAX_DEPTH = 32;

/** Thrown for input that is not bencoded, or not within the bounds. */
export class BencodeError extends Error {}

/**
 * Decodes the value at the start of `bytes`.
 *
 * Dictionary keys become strings of one character per byte. Unsorted keys are accepted, repeated
 * ones are not; integers must be exact in a double.
 *
 * @returns the value and the offset behind it; what follows is the caller's business
 * @throws {BencodeError}
 */
export function decodeBencode(bytes: Uint8Array): { value: Bencoded; end: number } {
  const cursor = { bytes, at: 0 };
  const value = decodeValue(cursor, 0);
  return { value, end: cursor.at };
}

/** The offset behind the value at the start of `bytes`, or -1 where there is no valid one. */
export function bencodedLength(bytes: Uint8Array): number {
  try {
    return decodeBencode(bytes).end;
  } catch (error) {
    if (error instanceof BencodeError) return -1;
    throw error;
  }
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

const COLON = 0x3a, MINUS = 0x2d, ZERO = 0x30, NINE = 0x39;
const DICTIONARY = 0x64, END = 0x65, INTEGER = 0x69, LIST = 0x6c;

function decodeValue(cursor: Cursor, depth: number): Bencoded {
  if (depth > MAX_DEPTH) throw new BencodeError("nested too deeply");
  switch (cursor.bytes[cursor.at]) {
    case INTEGER:
      cursor.at++;
      return decodeNumber(cursor, END, true);
    case LIST: {
      cursor.at++;
      const list: Bencoded[] = [];
      while (cursor.bytes[cursor.at] !== END) list.push(decodeValue(cursor, depth + 1));
      cursor.at++;
      return list;
    }
    case DICTIONARY: {
      cursor.at++;
      const dictionary = new Map<string, Bencoded>();
      while (cursor.bytes[cursor.at] !== END) {
        const key = latin1(decodeString(cursor));
        if (dictionary.has(key)) throw new BencodeError("repeated key");
        dictionary.set(key, decodeValue(cursor, depth + 1));
      }
      cursor.at++;
      return dictionary;
    }
    default:
      return decodeString(cursor);
  }
}

function decodeString(cursor: Cursor): Uint8Array {
  const length = decodeNumber(cursor, COLON, false);
  const end = cursor.at + length;
  if (end > cursor.bytes.length) throw new BencodeError("string longer than the input");
  const string = cursor.bytes.subarray(cursor.at, end);
  cursor.at = end;
  return string;
}

/** One character per byte: what `TextDecoder` calls latin1 is windows-1252. */
function latin1({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

/** Digits up to and including `terminator`. */
function decodeNumber(cursor: Cursor, terminator: number, signed: boolean): number {
  const negative = signed && cursor.bytes[cursor.at] === MINUS;
  if (negative) cursor.at++;
  let value = 0;
  let digits = 0;
  for (;; digits++) {
    const byte = cursor.bytes[cursor.at++];
    if (byte === terminator) break;
    if (byte === undefined || byte < ZERO || byte > NINE) throw new BencodeError("not a digit");
    value = value * 10 + (byte - ZERO);
    if (value > Number.MAX_SAFE_INTEGER) throw new BencodeError("number too large");
  }
  if (digits === 0) throw new BencodeError("no digits");
  return negative ? -value : value;
}
