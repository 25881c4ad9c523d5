/**
 * Where the bytes of a publication go: packs, and a manifest that is too long for an event, onto Blossom
 * servers, else into events.
 *
 * @module
 */
import { createHash, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../../common/atomic_file.ts";
import { type GtrError, NetworkError } from "../../../common/errors.ts";
import { encodeEnvelope } from "../../../manifest/envelope.ts";
import type { PackFile } from "../../../manifest/pack_file.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import type { BlobStore } from "../blossom/servers.ts";
import { MAX_CHUNKED } from "../chunks/chunk.ts";
import type { ChunkedFile, ChunkedFiles } from "../chunks/chunked_files.ts";
import type { NostrSigner } from "../events/signer.ts";
import type { RepositoryEvents } from "../repositories/lookup.ts";
import { inlineManifest, type ManifestBlob } from "../repositories/manifest_content.ts";
import { PACK_TYPE } from "../repositories/pack_event.ts";
import type { PackSources } from "./sign_events.ts";

/** What {@linkcode storeData} works with. */
export interface DataParts {
  readonly blobs: BlobStore;
  readonly chunked: ChunkedFiles;
  /** The user's relays. */
  readonly relays: readonly string[];
  /** Bytes of one repository's packs that may go into events. */
  readonly eventPacks: number;
  /** A folder for a moment's files. */
  readonly folder: string;
  readonly log: (message: string) => void;
}

/** The bytes of a publication. */
export interface WantedData {
  readonly signed: SignedManifest;
  readonly packs: readonly PackFile[];
  /** What relays have. */
  readonly before: Pick<RepositoryEvents, "packs">;
  /** No event is dated before, in seconds since 1970. */
  readonly floor: number;
}

/** Where the bytes of a publication are. */
export interface StoredData {
  readonly sources: ReadonlyMap<string, PackSources>;
  /** Where the manifest is too long for an event. */
  readonly manifest?: ManifestBlob;
  /** What relays have to have before the events that name it. */
  readonly files: readonly ChunkedFile[];
  /** Servers refused some packs. */
  readonly lacking: boolean;
}

const MANIFEST_TYPE = "application/json";

/**
 * Puts the packs, and a long manifest, on the servers; what none has is signed in chunks, packs as far
 * as `eventPacks` goes. What is in events already stays there until it is withdrawn, as readers may be
 * in the middle of it.
 *
 * @throws {NetworkError} why no server takes a pack
 */
export async function storeData(
  parts: DataParts,
  { signed, packs, before, floor }: WantedData,
  signer: NostrSigner,
  signal: AbortSignal,
): Promise<StoredData> {
  const { blobs, chunked, relays } = parts;
  const { name } = signed.manifest;
  const now = Math.max(Math.floor(Date.now() / 1000), floor);
  const mayChunk = chunked.isOf(relays);
  const sources = new Map<string, PackSources>();
  const files: ChunkedFile[] = [];
  let lacking = false;
  let room = mayChunk ? parts.eventPacks : 0;
  for (const { pack: { sha256, size, objects }, path } of packs) {
    const what = `pack ${sha256.slice(0, 12)}`;
    const blob = { path, sha256, size, objects, type: PACK_TYPE };
    const { urls, failures } = await blobs.store(blob, signal);
    lacking ||= failures.length > 0;
    const earlier = before.packs.find(({ event, metadata: { sha256: named, chunks } }) =>
      named === sha256 && chunks !== undefined && event.created_at >= floor
    );
    const fits = size <= Math.min(room, MAX_CHUNKED);
    if (fits && (urls.length === 0 || earlier)) {
      const date = earlier?.event.created_at ?? now;
      const file = await chunked.sign({ sha256, size, from: path }, name, date, signer, signal);
      room -= size;
      files.push(file);
      sources.set(sha256, { urls, chunked: file });
      continue;
    }
    if (urls.length === 0 && failures.length > 0) throw noServer(what, failures);
    if (urls.length === 0 && parts.eventPacks > 0 && mayChunk) {
      const most = Math.min(room, MAX_CHUNKED);
      parts.log(`${what} of ${name} is in no event: of its ${size} bytes only ${most} may be`);
    }
    sources.set(sha256, { urls });
  }
  if (inlineManifest(signed) !== undefined) return { sources, files, lacking };

  const bytes = encodeEnvelope(signed);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const blob = { sha256, size: bytes.length };
  const { urls, failures } = await storeManifest(parts, bytes, sha256, signal);
  if (urls.length > 0) return { sources, files, lacking, manifest: { ...blob, urls } };
  if (!mayChunk) throw noServer("the list of refs, too long for an event,", failures);
  // Dated as the manifest, so that publishing it again makes the same events.
  const { created } = signed.manifest;
  const file = await chunked.sign({ ...blob, from: bytes }, name, created, signer, signal);
  const manifest = { ...blob, urls, chunks: file.ids };
  return { sources, files: [...files, file], lacking, manifest };
}

async function storeManifest(
  { blobs, folder }: DataParts,
  bytes: Uint8Array,
  sha256: string,
  signal: AbortSignal,
): Promise<{ urls: string[]; failures: GtrError[] }> {
  if (blobs.parts.servers.length === 0) return { urls: [], failures: [] };
  const path = join(folder, `manifest-${randomBytes(6).toString("hex")}.tmp`);
  try {
    await writeFileAtomic(path, bytes);
    return await blobs.store({ path, sha256, size: bytes.length, type: MANIFEST_TYPE }, signal);
  } finally {
    await rm(path, { force: true });
  }
}

function noServer(what: string, failures: readonly GtrError[]): GtrError {
  const [first] = failures;
  if (first === undefined) {
    return new NetworkError("no-blossom", `can't publish: ${what} needs a Blossom server`, {
      hint: "gtr config nostr.blossom https://...",
    });
  }
  const why = failures.map(({ message }) => message).join("; ");
  return new NetworkError(first.code, `can't publish: no server takes ${what}: ${why}`, {
    hint: first.hint,
    cause: first,
  });
}
