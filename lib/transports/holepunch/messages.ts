/**
 * What peers say on a Noise stream: requests and answers are lines of JSON, ended by a newline; the
 * bytes that an answer counts follow it. Requests are answered one after the other; news of a pack
 * may come between answers.
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
  /**
   * Which pieces of a pack the peer has: a bitfield follows. From then on lines tell, between answers,
   * which others it gets, and who else fetches the pack.
   */
  v.object({
    ...VERSION,
    want: v.literal("have"),
    sha256: Sha256,
    /** Where the asker serves what it has of the pack, if it does. */
    key: v.optional(Sha256),
  }),
  /** Pieces of a pack, in a row: the peer chooses which of a set. */
  v.object({
    ...VERSION,
    want: v.literal("pack"),
    sha256: Sha256,
    /** The first piece of the set. */
    first: Whole,
    /** A bit for each piece from there on. */
    of: v.pipe(v.string(), v.regex(/^([0-9a-f]{2}){1,32}$/)),
    /** Pieces at most. */
    most: v.pipe(Whole, v.minValue(1)),
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

const Answer = v.union([
  v.object({
    ...VERSION,
    bytes: v.pipe(Whole, v.minValue(1)),
    /** The first piece that follows, if pieces were asked for. */
    piece: v.optional(Whole),
  }),
  Refusal,
]);
/** What it is told. */
export type Answer = v.InferOutput<typeof Answer>;

/** Pieces that one line tells of: they fit into it. */
export const MAX_HAVE = 40;
/** Keys that one line tells of. */
export const MAX_PEERS = 6;
const News = v.union([
  v.object({ ...VERSION, have: v.pipe(v.array(Whole), v.maxLength(MAX_HAVE)) }),
  v.object({ ...VERSION, peers: v.pipe(v.array(Sha256), v.maxLength(MAX_PEERS)) }),
]);
/** What who fetches a pack is told unasked: pieces that are here too, or keys of others that fetch it. */
export type News = v.InferOutput<typeof News>;
const Reply = v.union([...Answer.options, ...News.options]);

const Notice = v.union([v.object({ ...VERSION, sequence: Whole }), Refusal]);
/** That somebody has a publication, or says so; or won't tell. */
export type Notice = v.InferOutput<typeof Notice>;

const NoticeOrNews = v.union([...Notice.options, ...News.options]);

/** The bytes of a line. */
export function encodeLine(line: Request | Answer | News | Notice): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(line)}\n`);
}

/** @throws {VerificationError} "bad-message" */
export function decodeRequest(line: Uint8Array): Request {
  return decode(Request, line);
}

/** @throws {VerificationError} "bad-message" */
export function decodeReply(line: Uint8Array): Answer | News {
  return decode(Reply, line);
}

/** @throws {VerificationError} "bad-message" */
export function decodeNotice(line: Uint8Array): Notice | News {
  return decode(NoticeOrNews, line);
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
