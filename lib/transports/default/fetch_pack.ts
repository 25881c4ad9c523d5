/**
 * One pack from servers, piece by piece, straight into its file.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type FileHandle, open } from "node:fs/promises";
import { GtrError, NetworkError, toGtrError, VerificationError } from "../../common/errors.ts";
import { idleDeadline } from "../../common/wait.ts";
import { infohashOf, packInfo, pieceLength } from "../../manifest/pack_torrent.ts";
import type { PackRef } from "../../manifest/types.ts";
import type { FetchWait } from "../../ports/packs.ts";
import { bodyOf, get, readWhole, refused } from "./client.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";

const SHA1_BYTES = 20;
/** Of a torrent file beside the info dictionary: the addresses of web seeds. */
const MAX_TORRENT_EXTRA = 64 << 10;

/** Of the hashes of one pack's pieces, which are of 4 MiB at most: six terabytes. */
const MAX_PIECES_BYTES = 32 << 20;
/** A server that sends less within the time that is set has stopped. */
const LEAST_BYTES = 16 << 10;

/** A pack, and who may have it. */
export interface WantedPack {
  readonly pack: PackRef;
  /** The publisher's public key. */
  readonly publisher: string;
  readonly name: string;
  readonly servers: readonly Endpoint[];
  /** Milliseconds without a byte after which a server is given up. */
  readonly timeoutMs: number;
  readonly dropped: (reason: string) => void;
}

/**
 * Fetches the pack into the file `into`, from one server after the other. What is there and right is
 * kept. Each piece is compared with the pack's infohash, by the torrent that the server has of it,
 * before it is written.
 *
 * @throws {NetworkError} "nobody-answered" where no server delivers it, "no-source" if none is known
 */
export async function fetchFromServers(
  wanted: WantedPack,
  into: string,
  wait: FetchWait,
): Promise<void> {
  let failure: GtrError | undefined;
  for (const server of wanted.servers) {
    try {
      using idle = idleDeadline(
        wanted.timeoutMs,
        `a pack from ${formatEndpoint(server)}`,
        wait.signal,
      );
      return await fetchFrom(server, wanted, into, { ...wait, signal: idle.signal }, idle.touch);
    } catch (error) {
      wait.signal.throwIfAborted();
      failure = toGtrError(error);
      if (error instanceof VerificationError) wanted.dropped(error.code);
    }
  }
  const what = `can't fetch pack ${wanted.pack.sha256.slice(0, 12)} of ${wanted.name}`;
  throw new NetworkError(
    failure ? "nobody-answered" : "no-source",
    `${what}: ${failure?.message ?? "no server is known that could have it"}`,
    { hint: failure?.hint, cause: failure },
  );
}

async function fetchFrom(
  server: Endpoint,
  wanted: WantedPack,
  into: string,
  wait: FetchWait,
  touch: () => void,
): Promise<void> {
  const { pack, publisher, name } = wanted;
  const path = `/${publisher}/${name}/packs/${pack.sha256}`;
  const torrent = await get({ server, publisher, path: `${path}.torrent` }, wait.signal);
  if (torrent.statusCode !== 200) throw refused(torrent);
  const pieces = await readPieces(bodyOf(torrent, server, wait.signal), pack);
  touch();
  await (await open(into, "a")).close(); // "r+" makes no file, and "a" writes only at the end
  await using file = await open(into, "r+");
  let done = await verifiedStart(file, pack, pieces, wait.signal);
  await file.truncate(done);
  const told = (bytes: number) => wait.progress?.(bytes, pack.size, name);
  wait.prefix?.(done);
  told(done);
  if (done === pack.size) return;
  const answer = await get({
    server,
    publisher,
    path: `${path}.pack`,
    headers: { Range: `bytes=${done}-` },
  }, wait.signal);
  checkRange(answer, done, pack);
  const length = pieceLength(pack.size);
  const piece = new Uint8Array(Math.min(length, pack.size));
  let filled = 0;
  let untouched = 0;
  for await (const bytes of bodyOf(answer, server, wait.signal)) {
    untouched += bytes.length;
    if (untouched >= LEAST_BYTES) {
      untouched = 0;
      touch();
    }
    for (let from = 0; from < bytes.length;) {
      const size = Math.min(length, pack.size - done);
      const part = bytes.subarray(from, from + size - filled);
      if (part.length === 0) throw wrongPiece("it is longer than the pack");
      piece.set(part, filled);
      from += part.length;
      filled += part.length;
      if (filled < size) continue;
      const whole = piece.subarray(0, size);
      if (!isPiece(whole, pieces, done / length)) throw wrongPiece("it has another hash");
      await file.write(whole, 0, size, done);
      done += size;
      filled = 0;
      wait.prefix?.(done);
    }
    told(done + filled);
  }
  if (done < pack.size) {
    throw new NetworkError("unreachable", `${formatEndpoint(server)} hung up in the middle`);
  }
}

/** How many bytes from the start of the file are whole and right. */
async function verifiedStart(
  file: FileHandle,
  { size }: PackRef,
  pieces: Uint8Array,
  signal: AbortSignal,
): Promise<number> {
  const length = pieceLength(size);
  const buffer = new Uint8Array(Math.min(length, size));
  for (let done = 0; done < size;) {
    signal.throwIfAborted();
    const wanted = Math.min(length, size - done);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await file.read(buffer, filled, wanted - filled, done + filled);
      if (bytesRead === 0) return done;
      filled += bytesRead;
    }
    if (!isPiece(buffer.subarray(0, wanted), pieces, done / length)) return done;
    done += wanted;
  }
  return size;
}

function isPiece(bytes: Uint8Array, pieces: Uint8Array, index: number): boolean {
  const hash = createHash("sha1").update(bytes).digest();
  return hash.equals(pieces.subarray(index * SHA1_BYTES, (index + 1) * SHA1_BYTES));
}

/**
 * The hashes of the pieces, out of the torrent file. All else that is in its info dictionary is
 * known, so they are where they have to be, or the infohash is another.
 */
async function readPieces(
  body: AsyncIterable<Uint8Array>,
  pack: PackRef,
): Promise<Uint8Array> {
  const length = Math.ceil(pack.size / pieceLength(pack.size)) * SHA1_BYTES;
  if (length > MAX_PIECES_BYTES) {
    throw new VerificationError("wrong-metadata", "no pack has the size that this one claims");
  }
  // Before the hashes stands what is known, and how long they are; behind them an "e".
  const empty = packInfo(pack.sha256, pack.size, new Uint8Array()).length;
  const head = "d4:info".length + empty - "e".length + String(length).length - "0".length;
  const torrent = await readWhole(body, head + length + MAX_TORRENT_EXTRA);
  const pieces = torrent.slice(head, head + length);
  if (infohashOf(packInfo(pack.sha256, pack.size, pieces)) !== pack.infohash) {
    throw new VerificationError("wrong-metadata", "the torrent of the pack is that of another");
  }
  return pieces;
}

function checkRange(answer: IncomingMessage, from: number, { size }: PackRef): void {
  if (answer.statusCode === 200 && from === 0) return;
  if (answer.statusCode !== 206) throw refused(answer);
  if (answer.headers["content-range"] === `bytes ${from}-${size - 1}/${size}`) return;
  answer.destroy();
  throw new VerificationError("wrong-range", "the server sends another part than was asked for");
}

function wrongPiece(why: string): VerificationError {
  return new VerificationError("wrong-piece", `what the server sends is not the pack: ${why}`);
}
