/**
 * The calling side of a live stream.
 *
 * @module
 */
import { connect as connectTcp } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { GtrError, NetworkError, VerificationError } from "../../../common/errors.ts";
import { abortable, deadline, sleep } from "../../../common/wait.ts";
import { decodeEnvelope } from "../../../manifest/envelope.ts";
import type { OpenManifest } from "../../../manifest/manifest.ts";
import type { SignedManifest } from "../../../manifest/types.ts";
import type { LiveStream } from "../../../ports/streams.ts";
import { type Address, formatHostPort } from "../address.ts";
import { ByteReader } from "../../../common/byte_reader.ts";
import { certifiedKey, isVouched } from "../../../identity/certificate.ts";
import { type Answer, decodeAnswer, encodeHello, MAX_HELLO } from "./hello.ts";
import { socketStreams, underTls } from "./socket_streams.ts";

/** The protocol's name in TLS (RFC 7301). */
export const ALPN = "gtr-git/2";

/** What a peer is dialled with. */
export interface DialOptions {
  /** What is wanted, at least. */
  readonly from: Pick<SignedManifest, "manifest">;
  readonly signal: AbortSignal;
  /** Milliseconds until a silent peer is given up. */
  readonly patienceMs: number;
  readonly openManifest: OpenManifest;
  /** Counts a peer that breaks the protocol. */
  readonly dropped: (reason: string) => void;
}

/**
 * Dials one peer. Once it has shown the publisher's manifest, the stream is the caller's.
 *
 * @throws {NetworkError} "no-live-peer" where it can't be reached or refuses
 * @throws {VerificationError} where what it says is wrong
 */
export async function dialPeer(address: Address, options: DialOptions): Promise<LiveStream> {
  const { from, dropped } = options;
  const where = formatHostPort(address);
  using limit = deadline(options.patienceMs, `a live answer of ${where}`, options.signal);
  const tcp = connectTcp(address);
  tcp.setNoDelay(true); // short messages to and fro
  const socket: TLSSocket = connect({
    socket: underTls(tcp),
    servername: "gtr",
    minVersion: "TLSv1.3",
    ALPNProtocols: [ALPN],
    rejectUnauthorized: false, // no authority knows peers, and any may serve
  });
  tcp.on("error", (error) => socket.destroy(error));
  const hangUp = () => {
    socket.destroy();
    tcp.destroy();
  };
  let owned = false;
  try {
    const key = await abortable(secured(socket, where), limit.signal);
    const { readable, writable } = socketStreams(socket, tcp);
    const writer = writable.getWriter();
    const { publisher, name, sequence } = from.manifest;
    await abortable(
      writer.write(encodeHello({ version: 1, publisher, name, sequence })),
      limit.signal,
    );
    writer.releaseLock();
    const reader = new ByteReader(readable);
    const { manifest, proof } = await abortable(
      receiveManifest(reader, options, where),
      limit.signal,
    );
    // Anybody may serve; but a proof of another's connection is a lie.
    if (proof !== undefined && !isProof(proof, publisher, key)) {
      throw new VerificationError(
        "wrong-proof",
        `can't use ${where}: it passes itself off as the publisher`,
      );
    }
    owned = true;
    return {
      readable: reader.rest(),
      writable,
      manifest,
      peer: proof !== undefined ? `${where} (the publisher)` : where,
      close: hangUp,
    };
  } catch (error) {
    if (error instanceof VerificationError) dropped(`live-${error.code}`);
    else if (limit.signal.aborted && !options.signal.aborted) dropped("live-silent-peer");
    throw error;
  } finally {
    if (!owned) hangUp();
  }
}

/** The peer's key, once the handshake is over. A peer without the right protocol has none. */
function secured(socket: TLSSocket, where: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const unreachable = (cause?: Error & { code?: string }) => {
      const hungUp = cause === undefined || cause.code === "ECONNRESET";
      const why = hungUp ? "it hung up; it may run another version of gtr" : cause.message;
      reject(new NetworkError("no-live-peer", `can't dial ${where}: ${why}`, { cause }));
    };
    socket.once("error", unreachable);
    socket.once("close", () => unreachable());
    socket.once("secureConnect", () => {
      const certificate = socket.getPeerCertificate(true) as DetailedPeerCertificate | undefined;
      const key = certifiedKey(certificate?.raw);
      if (socket.alpnProtocol === ALPN && key !== undefined) return resolve(key);
      const why = key === undefined ? "it shows no ed25519 key" : "it talks another protocol";
      reject(new VerificationError("bad-peer", `can't use ${where}: ${why}`));
    });
  });
}

async function receiveManifest(
  reader: ByteReader,
  { from, openManifest }: DialOptions,
  where: string,
): Promise<{ manifest: SignedManifest; proof: string | undefined }> {
  const answer: Answer = decodeAnswer(await reader.line(MAX_HELLO));
  if ("refused" in answer) {
    throw new NetworkError("no-live-peer", `can't dial ${where}: it says '${answer.refused}'`);
  }
  const { publisher, name, sequence } = from.manifest;
  const envelope = decodeEnvelope(await reader.bytes(answer.manifest));
  const signed = openManifest(envelope, { publicKey: publisher, name });
  if (signed.manifest.sequence >= sequence) return { manifest: signed, proof: answer.proof };
  throw new VerificationError(
    "old-manifest",
    `can't use ${where}: it holds publication ${signed.manifest.sequence}, not ${sequence}`,
  );
}

function isProof(proof: string, publisher: string, tlsKey: string): boolean {
  const [signature, publicKey, key] = [proof, publisher, tlsKey].map((hex) =>
    Uint8Array.fromHex(hex)
  );
  return isVouched("liveKey", publicKey!, key!, signature!);
}

/** Attempts at once: a silent peer must not keep the next from being tried. */
const ATTEMPTS = 4;
/** While none of them gets anywhere, one more is made each so many milliseconds (RFC 8305, 5). */
const ATTEMPT_DELAY_MS = 250;
const MAX_ATTEMPTS = 16;

/**
 * The first of `peers` that answers. `ended` says that no more of them are likely to come: then the
 * last failure is the answer.
 *
 * @throws {NetworkError} "no-live-peer"
 */
export async function dialFirst(
  peers: ReadableStream<Address>,
  dial: (address: Address, signal: AbortSignal) => Promise<LiveStream>,
  ended: Promise<void>,
  signal: AbortSignal,
): Promise<LiveStream> {
  const stop = new AbortController();
  const outcome = Promise.withResolvers<LiveStream>();
  outcome.promise.catch(() => {}); // awaited below
  let running = 0;
  let tried = 0;
  let isEnded = false;
  let failure: unknown;
  let free = Promise.withResolvers<void>();
  const settle = () => {
    if (isEnded && running === 0) outcome.reject(noLivePeer(tried, failure));
  };
  ended.then(() => {
    isEnded = true;
    settle();
  });
  const attempt = async (address: Address) => {
    running++;
    tried++;
    try {
      const stream = await dial(address, AbortSignal.any([signal, stop.signal]));
      if (stop.signal.aborted) return stream.close(); // another was faster
      stop.abort();
      outcome.resolve(stream);
    } catch (error) {
      if (!(error instanceof GtrError)) return outcome.reject(error);
      failure = error;
    } finally {
      running--;
      free.resolve();
      free = Promise.withResolvers<void>();
      settle();
    }
  };
  const pause = () => sleep(ATTEMPT_DELAY_MS, stop.signal).catch(() => {}); // ended meanwhile
  const reader = peers.getReader();
  (async () => {
    for (;;) {
      if (running >= ATTEMPTS) await Promise.race([free.promise, pause()]);
      while (running >= MAX_ATTEMPTS) await free.promise;
      const { value, done } = await reader.read();
      if (done || stop.signal.aborted) return;
      void attempt(value);
    }
  })().catch(outcome.reject);
  try {
    return await abortable(outcome.promise, signal);
  } catch (error) {
    if (error instanceof GtrError || signal.aborted) throw error;
    throw noLivePeer(tried, error);
  } finally {
    stop.abort();
    void reader.cancel().catch(() => {});
  }
}

function noLivePeer(tried: number, cause: unknown): NetworkError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new NetworkError("no-live-peer", `none of ${tried} peers serves it live${why}`, { cause });
}
