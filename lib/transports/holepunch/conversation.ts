/**
 * The asking side: one connection to a peer, and what it is asked.
 *
 * @module
 */
import { ByteReader } from "../../common/byte_reader.ts";
import { NetworkError, VerificationError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";
import { decodeEnvelope, MAX_ENVELOPE_BYTES } from "../../manifest/envelope.ts";
import type { ExpectedManifest, OpenManifest } from "../../manifest/manifest.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { NoiseStream } from "../../types/hyperdht.d.ts";
import type { Duplex } from "../../ports/streams.ts";
import {
  type Answer,
  decodeNotice,
  decodeReply,
  encodeLine,
  MAX_LINE,
  type News,
  type Request,
} from "./messages.ts";
import type { HyperNode, PeerAddress } from "./node.ts";
import { noiseStreams } from "./noise_streams.ts";

/** hyperdht gives a sign of life every five seconds. */
const SILENT_MS = 6_000;

/** What a conversation is opened with. */
export interface ConversationOptions {
  readonly openManifest: OpenManifest;
  /**
   * Is offered the conversation when it is disposed of while nothing is left unanswered; it hangs up
   * unless this is true.
   */
  readonly keep?: (conversation: Conversation) => boolean;
  /** As for {@linkcode HyperNode.connect}. */
  readonly searching?: () => void;
}

/** One connection. Requests can be sent ahead; answers come in their order. */
export class Conversation implements Disposable {
  readonly peer: PeerAddress;
  /** Called with each packet that comes, signs of life included. */
  heard: () => void = () => {};
  readonly #stream: NoiseStream;
  readonly #reader: ByteReader;
  readonly #writable: WritableStream<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #keep: (conversation: Conversation) => boolean;
  readonly #openManifest: OpenManifest;
  /** Being read. */
  #line: Promise<Uint8Array> | undefined;
  /** Answers that haven't come, and bytes of the last one that haven't been read. */
  #answers = 0;
  #rest = 0;
  /** When the last packet came. */
  #heardAt = performance.now();

  private constructor(
    peer: PeerAddress,
    stream: NoiseStream,
    { keep = () => false, openManifest }: ConversationOptions,
  ) {
    this.peer = peer;
    this.#keep = keep;
    this.#openManifest = openManifest;
    this.#stream = stream;
    stream.rawStream?.prependListener("data", () => {
      this.#heardAt = performance.now();
      this.heard();
    });
    const { readable, writable } = noiseStreams(stream);
    this.#reader = new ByteReader(readable);
    this.#writable = writable;
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {}); // who writes is told
  }

  /** @throws {NetworkError} "no-live-peer" */
  static async open(
    node: HyperNode,
    peer: PeerAddress,
    options: ConversationOptions,
    signal: AbortSignal,
  ): Promise<Conversation> {
    const stream = await node.connect(peer, signal, options.searching);
    return new Conversation(peer, stream, options);
  }

  /** The peer's IP address, or that of a relay. */
  get host(): string {
    return this.#stream.rawStream?.remoteHost ?? "";
  }

  /** The connection is no longer there. */
  get isBroken(): boolean {
    return this.#stream.destroying;
  }

  async send(request: Request, signal: AbortSignal): Promise<void> {
    this.#answers++;
    await abortable(this.#told(this.#writer.write(encodeLine(request))), signal);
  }

  /**
   * How many bytes follow, which is at most `most`. News of a pack that come before are passed over.
   *
   * @throws {NetworkError} "refused" where the peer doesn't have it
   * @throws {VerificationError} "bad-message"
   */
  async answer(most: number, signal: AbortSignal): Promise<number> {
    for (;;) {
      const reply = await this.reply(signal);
      if (!("bytes" in reply)) continue;
      if (reply.bytes <= most) return reply.bytes;
      throw new VerificationError("bad-message", `${this.#name} sends more than was asked for`);
    }
  }

  /**
   * The next answer, or news of a pack.
   *
   * @throws {NetworkError} "refused" if the peer doesn't have what was asked for
   * @throws {VerificationError} "bad-message"
   */
  async reply(signal: AbortSignal): Promise<Exclude<Answer, { refused: unknown }> | News> {
    const reply = decodeReply(await this.#nextLine(signal));
    if ("have" in reply || "peers" in reply) return reply;
    if (this.#answers-- === 0) {
      throw new VerificationError("bad-message", `${this.#name} answers what nobody asked`);
    }
    if ("refused" in reply) throw this.#refusal(reply.refused);
    this.#rest = reply.bytes;
    return reply;
  }

  async bytes(count: number, signal: AbortSignal): Promise<Uint8Array> {
    const bytes = await abortable(this.#told(this.#reader.bytes(count)), signal);
    this.#rest -= count;
    return bytes;
  }

  /** The peer's manifest, verified. */
  async manifest(
    wanted: { readonly id: string; readonly name: string; readonly publicKey?: string },
    signal: AbortSignal,
  ): Promise<SignedManifest> {
    const { id, name } = wanted;
    await this.send({ version: 1, want: "manifest", id, name }, signal);
    return await this.#receiveManifest(wanted, signal);
  }

  /**
   * Asks for a live stream. Afterwards the connection is that stream.
   *
   * @throws {NetworkError} "refused"
   * @throws {VerificationError} where what it says is wrong
   */
  async live(
    { manifest: { publisher, name, sequence } }: Pick<SignedManifest, "manifest">,
    signal: AbortSignal,
  ): Promise<Duplex & { readonly manifest: SignedManifest }> {
    this.#answers = Infinity; // nothing can follow it
    await this.send({ version: 1, want: "live", publisher, name, sequence }, signal);
    const manifest = await this.#receiveManifest({ publicKey: publisher, name }, signal);
    if (manifest.manifest.sequence < sequence) {
      const why = `${this.#name} holds publication ${manifest.manifest.sequence}, not ${sequence}`;
      throw new VerificationError("old-manifest", why);
    }
    this.#writer.releaseLock();
    return { readable: this.#reader.rest(), writable: this.#writable, manifest };
  }

  /** The sequence numbers that the peer tells of, until it hangs up. */
  async *notices(
    { id, name }: { readonly id: string; readonly name: string },
    signal: AbortSignal,
  ): AsyncGenerator<number> {
    await this.send({ version: 1, want: "notices", id, name }, signal);
    for (;;) {
      const notice = decodeNotice(await this.#nextLine(signal));
      if ("refused" in notice) throw this.#refusal(notice.refused);
      if ("sequence" in notice) yield notice.sequence;
    }
  }

  [Symbol.dispose](): void {
    const isIdle = this.#answers === 0 && this.#rest === 0 && !this.isBroken;
    if (!isIdle || !this.#keep(this)) this.hangUp();
  }

  /** Ends the connection, whatever is under way. */
  hangUp(): void {
    const isSilent = performance.now() - this.#heardAt > SILENT_MS;
    // With an error, hyperdht uses the hole for no other connection: it may lead nowhere any more.
    this.#stream.destroy(isSilent ? new Error("nothing came any more") : undefined);
  }

  async #receiveManifest(
    expected: ExpectedManifest,
    signal: AbortSignal,
  ): Promise<SignedManifest> {
    const size = await this.answer(MAX_ENVELOPE_BYTES, signal);
    return this.#openManifest(decodeEnvelope(await this.bytes(size, signal)), expected);
  }

  /** Who waited for a line may have given up: it is the next one's then. */
  async #nextLine(signal: AbortSignal): Promise<Uint8Array> {
    this.#line ??= this.#told(this.#reader.line(MAX_LINE));
    const line = await abortable(this.#line, signal);
    this.#line = undefined;
    return line;
  }

  #refusal(why: string): NetworkError {
    return new NetworkError("refused", `${this.#name} refuses: ${why}`);
  }

  /** What a stream's own errors are to a person. */
  async #told<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (cause instanceof VerificationError && !this.#stream.destroying) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new NetworkError("no-live-peer", `lost ${this.#name}: ${why}`, { cause });
    }
  }

  get #name(): string {
    return `holepunch peer ${this.peer.key.slice(0, 12)}`;
  }
}
