/**
 * The answering side: manifests, pieces of packs, live streams and notices for whoever connects,
 * within limits.
 *
 * @module
 */
import { ByteReader } from "../../common/byte_reader.ts";
import { GtrError, toGtrError, VerificationError } from "../../common/errors.ts";
import { RateLimiter } from "../../common/rate_limiter.ts";
import { abortable, deadline, sleep } from "../../common/wait.ts";
import type { NoiseStream } from "../../types/hyperdht.d.ts";
import { encodeEnvelope } from "../../manifest/envelope.ts";
import type { LiveLimits } from "../shared/live_limits.ts";
import { relayLive } from "../shared/relay_live.ts";
import type { LiveAnswer } from "../../ports/streams.ts";
import type { Exchange } from "./exchange/exchange.ts";
import { type Guest, Guests } from "./guests.ts";
import { decodeRequest, encodeLine, MAX_LINE, type Request } from "./messages.ts";
import { noiseStreams } from "./noise_streams.ts";
import type { Offers } from "./offers.ts";
import { PackAnswers } from "./serve_pack.ts";
import type { Watchers } from "./watchers.ts";

/** Connections of one IP address: households and offices share one. */
const MAX_PER_HOST = 32;
/** Notices that a peer may leave unread. */
const MAX_UNREAD = 16;

/** What strangers may use of this machine. */
export interface ServerLimits {
  /** Connections at once. */
  readonly connections: number;
  /** Bytes per second of manifests and packs; 0 for no limit. */
  readonly uploadRate: number;
  /** Milliseconds until a peer has to ask for something, or to have taken what it asked for. */
  readonly patienceMs: number;
  readonly live: LiveLimits;
}

/** What a server is made from. */
export interface PeerServerOptions {
  readonly limits: ServerLimits;
  readonly offers: Offers;
  /** Packs, and parts of packs. */
  readonly exchange: Exchange;
  readonly watchers: Watchers;
  readonly live: LiveAnswer;
  readonly dropped: (reason: string) => void;
  readonly log: (message: string) => void;
}

/** One peer's connection. */
interface Connection {
  readonly guest: Guest;
  readonly reader: ByteReader;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly signal: AbortSignal;
  readonly packs: PackAnswers;
  live: boolean;
}

/** Serves peers' connections. */
export class PeerServer {
  readonly #options: PeerServerOptions;
  readonly #limiter: RateLimiter;
  readonly #liveLimiter: RateLimiter;
  readonly #guests: Guests;
  readonly #connections = new Set<Connection>();
  readonly #stop = new AbortController();

  constructor(options: PeerServerOptions) {
    this.#options = options;
    const { connections, uploadRate } = options.limits;
    this.#guests = new Guests({ connections, perHost: MAX_PER_HOST }, (what) => {
      options.dropped(what === "limit" ? "connection-limit" : "silent-peer");
    });
    this.#limiter = new RateLimiter(uploadRate);
    this.#liveLimiter = new RateLimiter(options.limits.live.uploadRate);
  }

  /** Connections at this moment. */
  get size(): number {
    return this.#guests.size;
  }

  /** Whether there is room for another connection: asked before the handshake. */
  admits(): boolean {
    return this.#guests.admits();
  }

  /** Takes over a connection. */
  accept(stream: NoiseStream): void {
    if (this.#stop.signal.aborted) return stream.destroy();
    const guest = this.#guests.welcome(stream);
    if (guest) void this.#serve(stream, guest);
  }

  /** Ends all connections. */
  close(): void {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    for (const [stream] of this.#guests) stream.destroy();
  }

  async #serve(stream: NoiseStream, guest: Guest): Promise<void> {
    const { dropped, log, limits, exchange } = this.#options;
    const gone = new AbortController();
    const { readable, writable } = noiseStreams(stream);
    const writer = writable.getWriter();
    const signal = AbortSignal.any([this.#stop.signal, gone.signal]);
    const peer = { host: guest.host, writer, signal };
    using packs = new PackAnswers(exchange, peer, this.#limiter, limits.patienceMs);
    const reader = new ByteReader(readable);
    const connection: Connection = { guest, reader, writer, signal, packs, live: false };
    connection.writer.closed.catch(() => {}); // who writes is told
    this.#connections.add(connection);
    stream.on("close", () => {
      this.#connections.delete(connection);
      gone.abort(new GtrError("gone", "the peer hung up"));
    });
    stream.on("error", (error) => {
      if (error instanceof VerificationError) dropped(error.code);
    });
    let ended = false;
    stream.on("end", () => ended = true);
    const closed = new Promise<void>((resolve) => stream.on("close", resolve));
    try {
      try {
        for (;;) {
          using limit = deadline(limits.patienceMs, "a peer's request", connection.signal);
          const line = await abortable(connection.reader.line(MAX_LINE), limit.signal);
          limit[Symbol.dispose]();
          const request = decodeRequest(line);
          guest.active = true;
          packs.news.answering = true;
          if (!await this.#answer(connection, request)) break;
          packs.news.answering = false;
        }
      } catch (error) {
        if (!ended || !(error instanceof VerificationError)) throw error;
      }
      await connection.writer.close();
      using limit = deadline(limits.patienceMs, "a peer to hang up", connection.signal);
      await abortable(closed, limit.signal);
    } catch (error) {
      const { code, message } = toGtrError(error);
      if (code === "timed-out") dropped(connection.live ? "live-too-long" : "idle-peer");
      else if (code === "nobody-answered") dropped(connection.live ? "live-idle" : "slow-peer");
      else if (connection.signal.aborted || stream.destroying) return;
      else if (error instanceof VerificationError) dropped("bad-message");
      else log(`a holepunch peer can't be served: ${message}`);
    } finally {
      stream.destroy();
    }
  }

  /** @returns whether another request may follow */
  async #answer(connection: Connection, request: Request): Promise<boolean> {
    const { offers, watchers } = this.#options;
    switch (request.want) {
      case "manifest": {
        const offer = offers.repository(request.id, request.name);
        await this.#send(connection, offer?.envelope);
        return true;
      }
      case "pieces":
        await this.#send(connection, await connection.packs.hashes(request));
        return true;
      case "have":
        await this.#send(connection, connection.packs.have(request));
        return true;
      case "pack":
        if (!await connection.packs.send(request)) await this.#refuse(connection, "unknown");
        return true;
      case "notices": {
        const { writer, signal, packs } = connection;
        packs.leave();
        const offer = offers.repository(request.id, request.name);
        const overrun = new AbortController();
        const place = offer && watchers.add(request, (sequence) => {
          if ((writer.desiredSize ?? 0) < -MAX_UNREAD) return overrun.abort();
          void writer.write(encodeLine({ version: 1, sequence })).catch(() => {});
        });
        if (!place) {
          await this.#refuse(connection, offer ? "busy" : "unknown");
          return true;
        }
        using _place = place;
        await writer.write(
          encodeLine({ version: 1, sequence: offer.signed.manifest.sequence }),
        );
        const end = AbortSignal.any([signal, overrun.signal]);
        await abortable(connection.reader.line(0), end).catch(() => {}); // until it hangs up
        return false;
      }
      case "live":
        connection.packs.leave();
        await this.#serveLive(connection, request);
        return false;
    }
  }

  async #serveLive(
    connection: Connection,
    { publisher, name, sequence }: Extract<Request, { want: "live" }>,
  ): Promise<void> {
    const { limits: { live: limits }, live, dropped } = this.#options;
    const others = [...this.#connections].filter((other) => other.live);
    const { host } = connection.guest;
    const ofHost = others.filter(({ guest }) => guest.host === host).length;
    if (others.length >= limits.streams || ofHost >= limits.perPeer) {
      dropped("live-limit");
      return await this.#refuse(connection, "busy");
    }
    connection.live = true;
    using limit = deadline(limits.seconds * 1000, "a live stream to end", connection.signal);
    const source = await abortable(live({ publisher, name }), limit.signal);
    if (!source || source.manifest.manifest.sequence < sequence) {
      return await this.#refuse(connection, source ? "older" : "unknown");
    }
    const envelope = encodeEnvelope(source.manifest);
    const line = encodeLine({ version: 1, bytes: envelope.length });
    const greeting = Uint8Array.from([...line, ...envelope]);
    const peer = { wishes: connection.reader.rest(), writer: connection.writer };
    await relayLive(source, greeting, peer, {
      idleMs: limits.idleSeconds * 1000,
      limiter: this.#liveLimiter,
      signal: limit.signal,
    });
  }

  /** Sends what was asked for; undefined: it isn't here. */
  async #send(connection: Connection, content: Uint8Array | undefined): Promise<void> {
    if (!content) return await this.#refuse(connection, "unknown");
    const { signal } = connection;
    using limit = deadline(this.#options.limits.patienceMs, "a peer to read", signal);
    const line = encodeLine({ version: 1, bytes: content.length });
    await abortable(connection.writer.write(line), limit.signal);
    await this.#paced(connection, content, limit.signal);
  }

  async #paced({ writer }: Connection, chunk: Uint8Array, signal: AbortSignal): Promise<void> {
    const wait = this.#limiter.take(chunk.length);
    if (wait > 0) await sleep(wait, signal);
    await abortable(writer.write(chunk), signal);
  }

  async #refuse(
    { writer, signal }: Connection,
    refused: "unknown" | "older" | "busy",
  ): Promise<void> {
    await abortable(writer.write(encodeLine({ version: 1, refused })), signal);
  }
}
