/**
 * The answering side of live streams: `git upload-pack` for whoever dials, within limits.
 *
 * @module
 */
import type { Socket } from "node:net";
import { type DetailedPeerCertificate, TLSSocket } from "node:tls";
import { GtrError, toGtrError, VerificationError } from "../../../common/errors.ts";
import { abortable, deadline, idleDeadline, sleep } from "../../../common/wait.ts";
import { encodeEnvelope } from "../../../manifest/envelope.ts";
import type { LiveAnswer, LiveSource } from "../../transport.ts";
import { RateLimiter } from "../../../common/rate_limiter.ts";
import { ByteReader } from "../../../common/byte_reader.ts";
import { certifiedKey, type TlsIdentity } from "../../../identity/certificate.ts";
import { ALPN } from "./dial.ts";
import { decodeWanted, encodeHello, MAX_HELLO } from "./hello.ts";
import { socketStreams, underTls } from "./socket_streams.ts";

/** What strangers may use of this machine. */
export interface LiveLimits {
  /** Connections at once, those that still shake hands included. */
  readonly streams: number;
  readonly perPeer: number;
  /** Bytes per second of all streams together; 0 for no limit. */
  readonly uploadRate: number;
  /** Seconds that one may take in all. */
  readonly seconds: number;
  /** Seconds without a byte either way. */
  readonly idle: number;
}

/** What a server is made from. */
export interface LiveServerOptions {
  readonly identity: TlsIdentity;
  readonly limits: LiveLimits;
  /** Milliseconds until a peer has to have said what it wants. */
  readonly patience: number;
  readonly dropped: (reason: string) => void;
  readonly log: (message: string) => void;
}

/** Takes sockets over from the port that it shares with the swarm. */
export class LiveServer {
  readonly #options: LiveServerOptions;
  readonly #limiter: RateLimiter;
  /** Socket -> the peer's IP address. */
  readonly #sockets = new Map<Socket, string>();
  readonly #stop = new AbortController();
  #answer: LiveAnswer | undefined;

  constructor(options: LiveServerOptions) {
    this.#options = options;
    this.#limiter = new RateLimiter(options.limits.uploadRate);
  }

  /** Connections at this moment. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Answers from now on; before, everyone is turned away. */
  serve(answer: LiveAnswer): void {
    this.#answer = answer;
  }

  /** Takes over a connection whose first bytes, a TLS handshake's, are still to be read. */
  accept(socket: Socket): void {
    const { streams, perPeer } = this.#options.limits;
    const host = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
    const answer = this.#answer;
    const own = [...this.#sockets.values()].filter((other) => other === host).length;
    if (!answer || this.#stop.signal.aborted || this.#sockets.size >= streams || own >= perPeer) {
      this.#options.dropped(own >= perPeer ? "live-peer-limit" : "live-limit");
      return void socket.destroy();
    }
    this.#sockets.set(socket, host);
    socket.setNoDelay(true); // short messages to and fro
    socket.once("close", () => this.#sockets.delete(socket));
    void this.#serve(socket, answer);
  }

  /** Ends all streams. */
  close(): void {
    this.#stop.abort(new GtrError("stopping", "gtd is stopping"));
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  async #serve(socket: Socket, answer: LiveAnswer): Promise<void> {
    const { limits, identity, patience, dropped, log } = this.#options;
    const gone = new AbortController();
    socket.once("close", () => gone.abort(new GtrError("gone", "the peer hung up")));
    const parent = AbortSignal.any([this.#stop.signal, gone.signal]);
    using limit = deadline(limits.seconds * 1000, "a live stream to end", parent);
    const { signal } = limit;
    // Any stream will do (Node's tls.TLSSocket), whatever its type says.
    const tls = new TLSSocket(underTls(socket) as Socket, {
      isServer: true,
      ...identity,
      minVersion: "TLSv1.3",
      ALPNProtocols: [ALPN],
      requestCert: true,
      rejectUnauthorized: false, // any key may ask; that there is one is checked below
    });
    tls.on("error", () => socket.destroy());
    try {
      using greeting = deadline(patience, "a live peer's wish", signal);
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
      await writer.write(encodeHello({ version: 1, manifest: envelope.length }));
      await this.#relay(source, reader.rest(), writer, envelope, signal);
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

  /** Both ways until git has ended, at the pace that the limits allow. */
  async #relay(
    source: LiveSource,
    wishes: ReadableStream<Uint8Array>,
    peer: WritableStreamDefaultWriter<Uint8Array>,
    envelope: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const ms = this.#options.limits.idle * 1000;
    using idle = idleDeadline(ms, "a live stream", signal);
    using _end = { [Symbol.dispose]: () => stop.abort() };
    const stop = new AbortController();
    const git = await source.open(AbortSignal.any([idle.signal, stop.signal]));
    const send = async (chunk: Uint8Array) => {
      const wait = this.#limiter.take(chunk.length);
      if (wait > 0) await sleep(wait, idle.signal);
      await abortable(peer.write(chunk), idle.signal);
      idle.touch();
    };
    await send(envelope);
    const touch = new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        idle.touch();
        controller.enqueue(chunk);
      },
    });
    // Not awaited: git ends by itself where it has nothing more to say.
    void wishes.pipeThrough(touch).pipeTo(git.writable, { signal: idle.signal }).catch(() => {});
    const reader = git.readable.getReader();
    for (;;) {
      const { value, done } = await abortable(reader.read(), idle.signal);
      if (done) return;
      await send(value);
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
      const certificate = tls.getPeerCertificate(true) as DetailedPeerCertificate | undefined;
      if (tls.alpnProtocol !== ALPN) return refuse("it talks another protocol");
      // TLS lets a client without any certificate in: that has to be refused here.
      if (certifiedKey(certificate?.raw) === undefined) return refuse("it shows no ed25519 key");
      resolve();
    });
  });
}
