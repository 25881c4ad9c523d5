/** Torrents and swarms on loopback. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { deadline } from "../../../../../lib/common/wait.ts";
import {
  type FetchOptions,
  Swarm,
  type SwarmOptions,
} from "../../../../../lib/transports/torrent/swarm/swarm.ts";

/** A file with its torrent. */
export interface TestTorrent {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly pieceLength: number;
  readonly info: Uint8Array;
  readonly infohash: string;
}

const text = (s: string) => new TextEncoder().encode(s);

export function concat(...parts: (string | Uint8Array)[]): Uint8Array {
  const bytes = parts.map((part) => (typeof part === "string" ? text(part) : part));
  const all = new Uint8Array(bytes.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The bencoded info dictionary of one file. */
export function infoOf(bytes: Uint8Array, name: string, pieceLength: number): Uint8Array {
  const hashes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceLength) {
    hashes.push(createHash("sha1").update(bytes.subarray(at, at + pieceLength)).digest());
  }
  return concat(
    `d6:lengthi${bytes.length}e4:name${name.length}:${name}12:piece lengthi${pieceLength}e`,
    `6:pieces${hashes.length * 20}:`,
    ...hashes,
    "e",
  );
}

export function makeTorrent(
  size: number,
  pieceLength = 32 * 1024,
  bytes: Uint8Array = new Uint8Array(randomBytes(size)),
): TestTorrent {
  const name = "test.pack";
  const info = infoOf(bytes, name, pieceLength);
  const infohash = createHash("sha1").update(info).digest("hex");
  return { name, bytes, pieceLength, info, infohash };
}

/** Fails where a file is not the torrent's. */
export async function assertWhole(path: string, torrent: TestTorrent): Promise<void> {
  const bytes = await Deno.readFile(path);
  assert.equal(bytes.length, torrent.bytes.length);
  assert.ok(bytes.every((byte, i) => byte === torrent.bytes[i]), "the bytes differ");
}

/** Swarms and files of one test; disposing it closes and removes all. */
export class Fixture implements AsyncDisposable {
  readonly directory: string;
  readonly dropped: string[] = [];
  readonly log: string[] = [];
  readonly #stack = new AsyncDisposableStack();
  #files = 0;

  private constructor(directory: string) {
    this.directory = directory;
    this.#stack.defer(() => Deno.remove(directory, { recursive: true }));
  }

  static async make(): Promise<Fixture> {
    return new Fixture(await Deno.makeTempDir({ prefix: "swarm-" }));
  }

  async swarm(options: Partial<SwarmOptions> = {}): Promise<Swarm> {
    const swarm = await Swarm.open({
      host: "127.0.0.1",
      port: 0,
      maxConnections: 80,
      uploadSlots: 8,
      uploadRate: 0,
      patienceMs: 2_000,
      dropped: (reason) => this.dropped.push(reason),
      log: (message) => this.log.push(message),
      ...options,
    });
    this.#stack.use(swarm);
    return swarm;
  }

  /** A swarm that seeds a torrent, all of it or with some bytes changed. */
  async seeder(
    torrent: TestTorrent,
    options: Partial<SwarmOptions> & { bytes?: Uint8Array } = {},
  ): Promise<Swarm> {
    const path = this.path();
    await Deno.writeFile(path, options.bytes ?? torrent.bytes);
    const swarm = await this.swarm(options);
    this.seed(swarm, torrent, path);
    return swarm;
  }

  seed(swarm: Swarm, torrent: TestTorrent, path: string): Disposable {
    return swarm.seed({
      infohash: torrent.infohash,
      path,
      size: torrent.bytes.length,
      info: () => Promise.resolve(torrent.info),
    });
  }

  /** Fetches with a deadline. */
  async fetch(
    swarm: Swarm,
    torrent: TestTorrent,
    peers: readonly (Swarm | number)[],
    options: Partial<FetchOptions> & { seconds?: number } = {},
  ): Promise<string> {
    const into = options.into ?? this.path();
    using wait = deadline((options.seconds ?? 10) * 1000, "the file", options.signal);
    await swarm.fetch({
      infohash: torrent.infohash,
      length: torrent.bytes.length,
      name: torrent.name,
      maxLength: torrent.bytes.length,
      peers: peers.map((peer) => ({
        host: "127.0.0.1",
        port: typeof peer === "number" ? peer : peer.port,
      })),
      ...options,
      into,
      signal: wait.signal,
    });
    return into;
  }

  path(): string {
    return join(this.directory, `${this.#files++}`);
  }

  defer(undo: () => void | Promise<void>): void {
    this.#stack.defer(undo);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}
