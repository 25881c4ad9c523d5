/**
 * The answering side of live streams: `git upload-pack` for whoever dials, within limits.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { GtrError, toGtrError, VerificationError } from "../../../common/errors.ts";
import { peerIp, placeOf } from "../../../common/ip_address.ts";
import { abortable, deadline } from "../../../common/wait.ts";
import { encodeEnvelope } from "../../../manifest/envelope.ts";
import type { LiveLimits } from "../../shared/live_limits.ts";
import { relayLive } from "../../shared/relay_live.ts";
import type { LiveAnswer } from "../../../ports/streams.ts";
import { RateLimiter } from "../../../common/rate_limiter.ts";
import { ByteReader } from "../../../common/byte_reader.ts";
import { selfSigned, type TlsIdentity, vouch } from "../../../identity/certificate.ts";
import { keyFromSeed, type PublisherKey } from "../../../identity/keys.ts";
import { ALPN } from "./dial.ts";
import { decodeWanted, encodeHello, MAX_HELLO } from "./hello.ts";
import { socketStreams, underTls } from "./socket_streams.ts";

/** What a server is made from. */
export interface LiveServerOptions {
  /** Who serves. It is proven to those who ask for a repository of its own, and told to no others. */
  readonly identity: PublisherKey;
  readonly answer: LiveAnswer;
  readonly limits: LiveLimits;
  /** Milliseconds until a peer has to have said what it wants. */
  readonly patienceMs: number;
  readonly dropped: (reason: string) => void;
  readonly log: (message: string) => void;
}

/** Takes sockets over from the port that it shares with the swarm. */
export class LiveServer {
  readonly #options: LiveServerOptions;
  /** Of this run only: who serves must not be known by it. */
  readonly #tls: TlsIdentity;
  /** That its key is the identity's, in hex. */
  readonly #proof: string;
  readonly #limiter: RateLimiter;
  /** Socket -> the peer's IP address, as `placeOf` counts. */
  readonly #sockets = new Map<Socket, string>();
  readonly #stop = new AbortController();

  constructor(options: LiveServerOptions) {
    this.#options = options;
    const seed = randomBytes(32);
    this.#tls = selfSigned(seed);
    this.#proof = vouch("liveKey", options.identity, keyFromSeed(seed).publicKey).toHex();
    this.#limiter = new RateLimiter(options.limits.uploadRate);
  }

  /** Connections at this moment. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Takes over a connection whose first bytes, a TLS handshake's, are still to be read. */
  accept(socket: Socket): void {
    const { streams, perPeer } = this.#options.limits;
    const host = placeOf(peerIp(socket));
    const own = [...this.#sockets.values()].filter((other) => other === host).length;
    if (this.#stop.signal.aborted || this.#sockets.size >= streams || own >= perPeer) {
      this.#options.dropped(own >= perPeer ? "live-peer-limit" : "live-limit");
      return void socket.destroy();
    }
    this.#sockets.set(socket, host);
    socket.setNoDelay(true); // short messages to and fro
    socket.once("close", () => this.#sockets.delete(socket));
    void this.#serve(socket);
  }

  /** Ends all streams. */
  close(): void {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    const { answer, limits, identity, patienceMs, dropped, log } = this.#options;
    const gone = new AbortController();
    socket.once("close", () => gone.abort(new GtrError("gone", "the peer hung up")));
    const parent = AbortSignal.any([this.#stop.signal, gone.signal]);
    using limit = deadline(limits.seconds * 1000, "a live stream to end", parent);
    const { signal } = limit;
    // Any stream will do (Node's tls.TLSSocket), whatever its type says.
    const tls = new TLSSocket(underTls(socket) as Socket, {
      isServer: true,
      ...this.#tls,
      minVersion: "TLSv1.3",
      ALPNProtocols: [ALPN],
    });
    tls.on("error", () => socket.destroy());
    try {
      using greeting = deadline(patienceMs, "a live peer's wish", signal);
      await abortable(secured(tls), greeting.signal);
      const { readable, writable } = socketStreams(tls, socket);
      const reader = new ByteReader(readable);
      const wanted = decodeWanted(await abortable(reader.line(MAX_HELLO), greeting.signal));
      greeting[Symbol.dispose]();
      const source = await answer(wanted);
      const writer = writable.getWriter();
      if (!source || source.manifest.manifest.sequence < wanted.sequence) {
        const refused = source ? "older" : "unknown";
        await writer.write(encodeHello({ version: 1, refused }));
        return await writer.close();
      }
      const envelope = encodeEnvelope(source.manifest);
      const isOwn = source.manifest.manifest.publisher === identity.publicKeyHex;
      const proof = isOwn ? { proof: this.#proof } : {};
      await writer.write(encodeHello({ version: 1, manifest: envelope.length, ...proof }));
      await relayLive(source, envelope, { wishes: reader.rest(), writer }, {
        idleMs: limits.idleSeconds * 1000,
        limiter: this.#limiter,
        signal,
      });
      await writer.close();
      await abortable(new Promise((ended) => socket.once("close", ended)), signal);
    } catch (error) {
      if (gone.signal.aborted || this.#stop.signal.aborted) return;
      const { code, message } = toGtrError(error);
      if (error instanceof VerificationError) dropped(`live-${error.code}`);
      else if (code === "timed-out") dropped("live-too-long");
      else if (code === "nobody-answered") dropped("live-idle");
      else log(`a live stream failed: ${message}`);
    } finally {
      socket.destroy();
      tls.destroy();
    }
  }
}

function secured(tls: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (why: string) =>
      reject(new VerificationError("bad-peer", `can't serve a peer: ${why}`));
    tls.once("error", (error) => refuse(error.message));
    tls.once("close", () => refuse("it hung up"));
    tls.once("secure", () => {
      if (tls.alpnProtocol === ALPN) resolve();
      else refuse("it talks another protocol");
    });
  });
}
