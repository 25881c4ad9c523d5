/**
 * What peers say on a Noise stream: requests and answers are lines of JSON, ended by a newline; the
 * bytes that an answer counts follow it. Requests are answered one after the other.
 *
 * @module
 */
import * as v from "valibot";
import { VerificationError } from "../../common/errors.ts";
import { repositoryNameFault } from "../../common/repository_name.ts";

/** Longest line, in bytes, its newline left out. */
export const MAX_LINE = 512;

const Whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Name = v.pipe(v.string(), v.check((name) => repositoryNameFault(name) === undefined));
const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const VERSION = { version: v.literal(1) };

const Request = v.variant("want", [
  /** The newest manifest: its envelope follows. */
  v.object({
    ...VERSION,
    want: v.literal("manifest"),
    /** The publisher's id. */
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
    name: Name,
  }),
  /** SHA-1 of each piece of a pack's torrent, 20 bytes each. */
  v.object({ ...VERSION, want: v.literal("pieces"), sha256: Sha256 }),
  /** Bytes of a pack. */
  v.object({
    ...VERSION,
    want: v.literal("pack"),
    sha256: Sha256,
    from: Whole,
    bytes: v.pipe(Whole, v.minValue(1)),
  }),
  /** The manifest, and then the stream is `git upload-pack` (protocol 2). */
  v.object({
    ...VERSION,
    want: v.literal("live"),
    /** The public key. */
    publisher: Sha256,
    name: Name,
    /** The lowest that is of use. */
    sequence: Whole,
  }),
  /** The sequence number that the peer knows, now and whenever it grows; nothing else follows. */
  v.object({
    ...VERSION,
    want: v.literal("notices"),
    id: v.pipe(v.string(), v.regex(/^[0-9a-f]{40}$/)),
    name: Name,
  }),
]);
/** What a peer asks for. */
export type Request = v.InferOutput<typeof Request>;

const Refusal = v.object({ ...VERSION, refused: v.picklist(["unknown", "older", "busy"]) });

const Answer = v.union([v.object({ ...VERSION, bytes: v.pipe(Whole, v.minValue(1)) }), Refusal]);
/** What it is told. */
export type Answer = v.InferOutput<typeof Answer>;

const Notice = v.union([v.object({ ...VERSION, sequence: Whole }), Refusal]);
/** That somebody has a publication, or says so; or won't tell. */
export type Notice = v.InferOutput<typeof Notice>;

/** The bytes of a line. */
export function encodeLine(line: Request | Answer | Notice): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(line)}\n`);
}

/** @throws {VerificationError} "bad-message" */
export function decodeRequest(line: Uint8Array): Request {
  return decode(Request, line);
}

/** @throws {VerificationError} "bad-message" */
export function decodeAnswer(line: Uint8Array): Answer {
  return decode(Answer, line);
}

/** @throws {VerificationError} "bad-message" */
export function decodeNotice(line: Uint8Array): Notice {
  return decode(Notice, line);
}

function decode<T>(schema: v.GenericSchema<unknown, T>, line: Uint8Array): T {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line)));
  } catch (cause) {
    throw new VerificationError("bad-message", "can't talk to a peer: a line of it is wrong", {
      cause,
    });
  }
}
