/**
 * A node of HyperDHT for the local network: it is in no DHT, and connects to other gtds there by
 * the addresses that they are heard at. Who has a repository is asked of each of them by the
 * repository's topic, as of nodes of the DHT.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { ByteReader } from "../../../common/byte_reader.ts";
import { VerificationError } from "../../../common/errors.ts";
import { abortable, deadline } from "../../../common/wait.ts";
import HyperDHT from "../../../hyperdht/mod.ts";
import type { KeyPair, NodeAddress, NoiseStream } from "../../../types/hyperdht.d.ts";
import { limitMessages } from "../message_limit.ts";
import { noiseStreams } from "../noise_streams.ts";
import { Beacon, type Neighbour } from "./beacon.ts";
import { openLoneDht } from "./lone_dht.ts";
import { type LocalAddress, localAddresses } from "./on_link.ts";

/** Interfaces of one machine that are used. */
const MAX_INTERFACES = 4;
/** Questions that are answered at once. */
const MAX_ASKING = 32;
/** How long a question may take. */
const QUESTION_MS = 2_000;
/** How long answers to the first call are waited for. */
const FIRST_MS = 1_500;
/** Bytes of a topic, and of a key. */
const BYTES = 32;

/** What the rest of the node does for this one. */
export interface LanContext {
  /** Address to listen on; 0.0.0.0 for all. */
  readonly host: string;
  /** The key pair that peers know this node by. */
  readonly keys: KeyPair;
  /** Whether the repository with this topic is here. */
  readonly has: (topic: Buffer) => boolean;
  /** Whether there is room for another connection. */
  readonly admit: () => boolean;
  readonly accept: (stream: NoiseStream) => void;
  readonly dropped: (reason: string) => void;
}

/** A peer in the local network that says it has what was asked for. */
export interface NearPeer {
  readonly key: string;
  readonly near: NodeAddress;
}

/** Is found, and finds others, in the local network. */
export class LanNode implements AsyncDisposable {
  readonly #context: LanContext;
  readonly #dht: HyperDHT;
  readonly #beacon: Beacon;
  /** Settles when somebody was found, or nobody for a while. */
  readonly #first = Promise.withResolvers<void>();
  readonly #timer = setTimeout(() => this.#first.resolve(), FIRST_MS);
  readonly #locals: readonly LocalAddress[];
  #asking = 0;

  /** @param own the key that is told to everybody, 64 hex digits */
  private constructor(context: LanContext, dht: HyperDHT, own: string) {
    this.#context = context;
    this.#dht = dht;
    this.#locals = addressesFor(context.host);
    this.#beacon = new Beacon({
      own: { port: dht.localAddress()!.port, key: own },
      locals: this.#locals,
      found: () => this.#first.resolve(),
      dropped: context.dropped,
    });
  }

  /** Opens sockets, and says that a gtd is here. */
  static async open(context: LanContext): Promise<LanNode> {
    const { dht, isFull } = await openLoneDht(context.host);
    // The key that is told to everybody is another each time: nobody is recognized by it.
    const own = HyperDHT.keyPair(randomBytes(BYTES));
    const node = new LanNode(context, dht, own.publicKey.toString("hex"));
    await dht.createServer(
      { firewall: () => isFull() || node.#asking >= MAX_ASKING },
      (stream) => void node.#answer(stream),
    ).listen(own);
    await dht.createServer({ firewall: () => isFull() || !context.admit() }, (stream) => {
      stream.on("error", () => {}); // told to whoever reads or writes
      limitMessages(stream);
      context.accept(stream);
    }).listen(context.keys);
    return node;
  }

  /** Whether this machine has come to another network since. */
  get hasMoved(): boolean {
    return JSON.stringify(this.#locals) !== JSON.stringify(addressesFor(this.#context.host));
  }

  /** Gtds that are there. */
  get neighbours(): number {
    return this.#beacon.neighbours.length;
  }

  /** Waits until neighbours have had time to answer. */
  async ready(signal: AbortSignal): Promise<void> {
    await abortable(this.#first.promise, signal);
  }

  /** Who of the neighbours says that it has the repository with this topic. */
  async lookup(topic: Buffer, signal: AbortSignal): Promise<NearPeer[]> {
    await this.ready(signal);
    const all = await Promise.all(
      this.#beacon.neighbours.map((neighbour) => this.#ask(neighbour, topic, signal)),
    );
    signal.throwIfAborted();
    return all.filter((peer) => peer !== undefined);
  }

  /** A stream, not opened yet. */
  connect(key: Buffer, near: NodeAddress): NoiseStream {
    const stream = this.#dht.connect(key, { relayAddresses: [near] });
    limitMessages(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#first.resolve();
    await this.#beacon[Symbol.asyncDispose]();
    await this.#dht.destroy();
  }

  async #ask(
    { host, port, key }: Neighbour,
    topic: Buffer,
    signal: AbortSignal,
  ): Promise<NearPeer | undefined> {
    using limit = deadline(QUESTION_MS, "a gtd in the local network", signal);
    const near = { host, port };
    const stream = this.connect(Buffer.from(key, "hex"), near);
    stream.on("error", () => {});
    try {
      if (!await abortable(stream.opened, limit.signal)) throw new Error("it doesn't answer");
      const { reader, writer } = conversation(stream);
      await abortable(writer.write(topic), limit.signal);
      const answer = await abortable(reader.bytes(BYTES), limit.signal);
      return { key: Buffer.from(answer).toString("hex"), near };
    } catch (error) {
      const hungUp = error instanceof VerificationError; // it hasn't the repository
      if (!hungUp && !signal.aborted) {
        this.#context.dropped("lan-silent");
        this.#beacon.forget(key);
      }
      return undefined;
    } finally {
      stream.destroy();
    }
  }

  /** Says this node's key where the repository is here, and nothing where it isn't. */
  async #answer(stream: NoiseStream): Promise<void> {
    stream.on("error", () => {});
    limitMessages(stream);
    this.#asking++;
    try {
      using limit = deadline(QUESTION_MS, "a topic");
      const { reader, writer } = conversation(stream);
      const topic = Buffer.from(await abortable(reader.bytes(BYTES), limit.signal));
      if (this.#context.has(topic)) {
        await abortable(writer.write(this.#context.keys.publicKey), limit.signal);
      }
      await abortable(writer.close(), limit.signal);
      await abortable(reader.line(0), limit.signal); // until it hangs up
    } catch {
      // It went, or asked nothing.
    } finally {
      this.#asking--;
      stream.destroy();
    }
  }
}

/** The addresses to be found at. */
function addressesFor(host: string): readonly LocalAddress[] {
  return localAddresses()
    .filter(({ address }) => host === "0.0.0.0" || host === address)
    .slice(0, MAX_INTERFACES);
}

function conversation(stream: NoiseStream) {
  const { readable, writable } = noiseStreams(stream);
  const writer = writable.getWriter();
  writer.closed.catch(() => {}); // who writes is told
  return { reader: new ByteReader(readable), writer };
}
