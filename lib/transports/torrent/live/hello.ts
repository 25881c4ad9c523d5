/**
 * The first line each way of a live stream: JSON, ended by a newline.
 *
 * The peer that dials says what it wants; the other answers with the length of the manifest's
 * envelope, which follows, and then is `git upload-pack`, or with why not.
 *
 * @module
 */
import * as v from "valibot";
import { VerificationError } from "../../../common/errors.ts";
import { repositoryNameFault } from "../../../common/repository_name.ts";
import { MAX_ENVELOPE_BYTES } from "../../../manifest/envelope.ts";

/** Longest line, in bytes, its newline left out. */
export const MAX_HELLO = 512;

const Sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

const Wanted = v.object({
  version: v.literal(1),
  publisher: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.pipe(v.string(), v.check((name) => repositoryNameFault(name) === undefined)),
  /** The lowest that is of use. */
  sequence: Sequence,
});
/** What the peer that dials asks for. */
export type Wanted = v.InferOutput<typeof Wanted>;

const REASONS = ["unknown", "older", "busy"] as const;
const Answer = v.union([
  v.object({
    version: v.literal(1),
    /** Bytes of the envelope. */
    manifest: v.pipe(Sequence, v.minValue(1), v.maxValue(MAX_ENVELOPE_BYTES)),
    /** By the publisher only: its signature by which it vouches for this connection's TLS key. */
    proof: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/))),
  }),
  v.object({ version: v.literal(1), refused: v.picklist(REASONS) }),
]);
/** What it is told. */
export type Answer = v.InferOutput<typeof Answer>;

/** The bytes of a line. */
export function encodeHello(hello: Wanted | Answer): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(hello)}\n`);
}

/** @throws {VerificationError} "bad-hello" */
export function decodeWanted(line: Uint8Array): Wanted {
  return decode(Wanted, line);
}

/** @throws {VerificationError} "bad-hello" */
export function decodeAnswer(line: Uint8Array): Answer {
  return decode(Answer, line);
}

function decode<T>(schema: v.GenericSchema<unknown, T>, line: Uint8Array): T {
  try {
    return v.parse(schema, JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(line)));
  } catch (cause) {
    throw new VerificationError("bad-hello", "can't talk to a live peer: its first line is wrong", {
      cause,
    });
  }
}
