/**
 * Packs as events (NIP-94, kind 1063): where a pack's bytes are, and what they make reachable.
 *
 * @module
 */
import { chunksTag, readChunksTag } from "../chunks/chunk.ts";
import { allTagValues, type EventTemplate, type NostrEvent, tagValue } from "../events/event.ts";
import { ANNOUNCEMENT, FILE_METADATA } from "../events/kinds.ts";
import { distinctUrls, webUrl } from "../urls.ts";

/** One pack file and its sources. */
export interface PackMetadata {
  /** Of which repository: the address of its announcement. */
  readonly repository: { readonly pubkey: string; readonly identifier: string };
  /** SHA-256 of the file, 64 hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Where the file is, best first; at least one, unless there is a torrent, or chunks. */
  readonly urls: readonly string[];
  /** The events that have its bytes, in their order, where it is in events. */
  readonly chunks?: readonly string[];
  /** Infohash (v1) of the one-file torrent of the pack, 40 hex digits. */
  readonly infohash?: string;
  /** A link (BEP 9) to the same torrent, for programs that take no other. */
  readonly magnet?: string;
  /** Objects that are whole with this pack and what is before it, at most {@linkcode MAX_PACK_TIPS}. */
  readonly tips: readonly string[];
  /** Objects that a reader needs to have already. */
  readonly prerequisites: readonly string[];
}

/** Most tips, and most prerequisites, that are told of one pack: relays want short events. */
export const MAX_PACK_TIPS = 256;
/** What a pack file is, to programs that know only files. */
export const PACK_TYPE = "application/x-git-packed-objects";

const MAX_SOURCES = 16;
const OID = /^(?!0+$)(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** The event of a pack. Of its tips and prerequisites the first {@linkcode MAX_PACK_TIPS} are told. */
export function encodePack(pack: PackMetadata, created: number): EventTemplate {
  const { repository, sha256, size, urls: [url, ...fallbacks], infohash } = pack;
  const tags = [["a", `${ANNOUNCEMENT}:${repository.pubkey}:${repository.identifier}`]];
  if (url !== undefined) tags.push(["url", url]);
  for (const fallback of fallbacks.slice(0, MAX_SOURCES - 1)) tags.push(["fallback", fallback]);
  tags.push(["m", PACK_TYPE], ["x", sha256], ["ox", sha256], ["size", String(size)]);
  if (infohash !== undefined) {
    const magnet = pack.magnet ?? `magnet:?xt=urn:btih:${infohash}`;
    tags.push(["i", infohash], ["magnet", magnet]);
  }
  if (pack.chunks) tags.push(chunksTag(pack.chunks));
  for (const tip of pack.tips.slice(0, MAX_PACK_TIPS)) tags.push(["c", tip]);
  for (const oid of pack.prerequisites.slice(0, MAX_PACK_TIPS)) tags.push(["prereq", oid]);
  return { kind: FILE_METADATA, created_at: created, tags, content: "" };
}

/** What an authentic event tells of a pack; undefined where it is none of `repository`. */
export function decodePack(
  event: NostrEvent,
  repository: PackMetadata["repository"],
): PackMetadata | undefined {
  const address = `${ANNOUNCEMENT}:${repository.pubkey}:${repository.identifier}`;
  const isOurs = event.tags.some(([name, value]) => name === "a" && value === address);
  if (event.kind !== FILE_METADATA || !isOurs || tagValue(event, "m") !== PACK_TYPE) {
    return undefined;
  }
  const sha256 = tagValue(event, "x") ?? "";
  const size = Number(/^[1-9]\d{0,15}$/.exec(tagValue(event, "size") ?? "")?.[0]);
  const oids = (name: string) => allTagValues(event, name).slice(0, MAX_PACK_TIPS);
  const tips = oids("c");
  const prerequisites = oids("prereq");
  const right = /^[0-9a-f]{64}$/.test(sha256) && Number.isSafeInteger(size) &&
    [...tips, ...prerequisites].every((oid) => OID.test(oid));
  if (!right) return undefined;
  const first = tagValue(event, "url");
  const named = [...(first === undefined ? [] : [first]), ...allTagValues(event, "fallback")];
  const urls = distinctUrls(named, webUrl, MAX_SOURCES);
  const infohash = /^[0-9a-f]{40}$/.exec(tagValue(event, "i") ?? "")?.[0];
  const chunks = readChunksTag(event, size);
  if (urls.length === 0 && infohash === undefined && chunks === undefined) return undefined;
  const told = { repository, sha256, size, urls, infohash, tips, prerequisites };
  return chunks ? { ...told, chunks } : told;
}
