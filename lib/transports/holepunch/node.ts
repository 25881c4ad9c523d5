/**
 * A node of HyperDHT: finding peers by key or topic, and connecting to them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import HyperDHT from "../../hyperdht/mod.ts";
import { keepSafeRoute } from "../../hyperdht/routes.ts";
import { NetworkError } from "../../common/errors.ts";
import { abortable, deadline } from "../../common/wait.ts";
import type { KeyPair, NodeAddress, NoiseStream, Server } from "../../types/hyperdht.d.ts";
import { UDX } from "@gtr/udx";
import type { PortMapping } from "../shared/port_mapping/mod.ts";
import { connectError, isAbsent } from "./connect_error.ts";
import { LocalNetwork } from "./lan/local_network.ts";
import { MappedNode } from "./mapped_node.ts";
import { limitMessages } from "./message_limit.ts";
import { RelayChoice } from "./relay_choice.ts";
import { Moves } from "./moves.ts";
import { Returns } from "./returns.ts";

/** Nodes that a new network begins with: of fewer, records are lost when one of them is busy. */
const FIRST_NODES = 5;
/**
 * Streams at once; while there are more, nobody is let in. hyperdht makes one for each handshake, and
 * waits ten seconds for a connection to follow. One takes 10 KB.
 */
const MAX_STREAMS = 16_384;
/** Of what nodes of the DHT say to one search no more peers are tried. */
const MAX_PEERS = 64;
/** Where there are relays: how long one attempt to connect may take. */
const ATTEMPT_MS = 4_000;
/** How long nodes of the DHT have to forget this one when it ends. */
const FAREWELL_MS = 2_000;
/** hyperdht's word for a router that gives each connection another port. */
const RANDOM = 3;

/** Where a peer is. Nothing of it is proved until it is connected. */
export interface PeerAddress {
  /** Its public key, 64 lower-case hex digits. */
  readonly key: string;
  /** Nodes that know the way to it. */
  readonly relays?: readonly NodeAddress[];
  /** Where it is in the local network. */
  readonly near?: NodeAddress;
}

/** What a node is opened with. */
export interface HyperNodeOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** undefined: the public network; none: a new one begins here. */
  readonly bootstrap: readonly string[] | undefined;
  /** The 32 bytes of which the key pair is made that peers know this node by. */
  readonly seed: Uint8Array;
  /** Keys of blind relays, for where no hole can be punched. */
  readonly relays?: readonly string[];
  /** Has a router map a UDP port. */
  readonly mapPort?: (port: number) => PortMapping;
  /** What is needed to be found in the local network while HyperDHT is out of reach. */
  readonly local?: {
    /** Whether the repository with this topic is here. */
    readonly has: (topic: Buffer) => boolean;
    readonly dropped: (reason: string) => void;
    readonly log: (message: string) => void;
  };
}

/** One node, and the key pair that it is known by. */
export class HyperNode implements AsyncDisposable {
  readonly dht: HyperDHT;
  readonly keys: KeyPair;
  readonly #udx: UDX;
  /** Those that a new network begins with. */
  readonly #first: readonly HyperDHT[];
  readonly #relays: RelayChoice;
  readonly #options: HyperNodeOptions;
  readonly #returns: Returns;
  #moves: Moves | undefined;
  readonly #mapped: MappedNode | undefined;
  #relayed = 0;
  #local: LocalNetwork | undefined;

  private constructor(
    dht: HyperDHT,
    udx: UDX,
    first: readonly HyperDHT[],
    options: HyperNodeOptions,
  ) {
    this.dht = dht;
    this.#udx = udx;
    this.keys = HyperDHT.keyPair(options.seed);
    this.#first = first;
    this.#relays = new RelayChoice(options.relays ?? []);
    this.#options = options;
    this.#returns = new Returns(dht);
    // Where a new network begins, others join at its first node.
    this.#mapped = options.mapPort && first.length === 0
      ? new MappedNode(dht, options.mapPort)
      : undefined;
  }

  /** Opens sockets and begins to join the network. */
  static async open(options: HyperNodeOptions): Promise<HyperNode> {
    const { host, port } = options;
    const first: HyperDHT[] = [];
    let bootstrap = options.bootstrap?.map(readAddress);
    if (bootstrap?.length === 0) {
      for (let i = 0; i < FIRST_NODES; i++) {
        const firmly = { udx: new UDX(), host, ephemeral: false, firewalled: false };
        const dht: HyperDHT = new HyperDHT({ ...firmly, bootstrap, ...(i === 0 ? { port } : {}) });
        await dht.fullyBootstrapped();
        first.push(dht);
        if (i === 0) bootstrap = [{ host, port: dht.address().port }];
      }
    }
    const own = first.length > 0 ? undefined : port;
    const udx = new UDX();
    const dht = new HyperDHT({ udx, host, port: own, bootstrap });
    return new HyperNode(dht, udx, first, options);
  }

  /** This node's key in 64 hex digits. */
  get key(): string {
    return this.keys.publicKey.toString("hex");
  }

  /** Nodes of the DHT that are known. */
  get size(): number {
    return this.dht.nodes.length;
  }

  /** Whether nodes of the DHT answer, as far as is known. */
  get online(): boolean {
    return this.#returns.online;
  }

  /** Calls back whenever nodes of the DHT answer again after none did. */
  onReturn(listener: () => void): void {
    this.#returns.add(listener);
  }

  /** Where others can join the network that began here: "127.0.0.1:49737". */
  get first(): string | undefined {
    const address = this.#first[0]?.address();
    return address && `${address.host}:${address.port}`;
  }

  /** Waits until the network has been joined, or is known to be out of reach. */
  async ready(signal: AbortSignal): Promise<void> {
    if (!await this.isolated(signal)) await abortable(this.dht.fullyBootstrapped(), signal);
  }

  /** Whether no node of HyperDHT answers, and the local network is used. */
  async isolated(signal: AbortSignal): Promise<boolean> {
    return await this.#local?.node(signal) !== undefined;
  }

  /** Others in the local network; undefined where HyperDHT is used. */
  get neighbours(): number | undefined {
    return this.#local?.neighbours;
  }

  /** Its port, as a router maps it. */
  get mapping(): PortMapping | undefined {
    return this.#mapped?.mapping;
  }

  /** Blind relays that are tried where no hole can be punched. */
  get relays(): number {
    return this.#relays.size;
  }

  /** Connections that a relay has helped to make, whoever began them. */
  get relayed(): number {
    return this.#relayed + this.dht.stats.relaying.successes;
  }

  /** Takes connections from now on, for this node's key or another; by its own also nearby. */
  async listen(
    admit: () => boolean,
    onconnection: (stream: NoiseStream) => void,
    keys: KeyPair = this.keys,
  ): Promise<Server> {
    const { host, local } = this.#options;
    if (keys === this.keys && local && this.#first.length === 0 && !host.startsWith("127.")) {
      const context = { host, keys, admit, accept: onconnection, ...local };
      this.#local = new LocalNetwork(this.dht, context, local.log);
    }
    const options = {
      firewall: () => this.#udx.streams.size >= MAX_STREAMS || !admit(),
      relayThrough: () => this.#relays.offered(this.dht.randomized),
      reusableSocket: true,
    };
    const server = this.dht.createServer(options, (stream) => {
      stream.on("error", () => {}); // told to whoever reads or writes
      limitMessages(stream);
      onconnection(stream);
    });
    this.#moves ??= new Moves(this.dht, () => server.relayAddresses, () => this.#returns.moved());
    this.onReturn(() => server.refresh()); // else it is announced within five minutes
    await server.listen(keys);
    return server;
  }

  /**
   * A stream to whoever has the key; where no hole can be punched, through a relay.
   *
   * @param searching is called when the hole's port has to be guessed, which takes up to half a minute
   * @throws {NetworkError} "no-live-peer", "out-of-reach"
   */
  async connect(
    peer: PeerAddress,
    signal: AbortSignal,
    searching: () => void = () => {},
  ): Promise<NoiseStream> {
    if (peer.near || this.#relays.size === 0) {
      const punch = (isRandom: boolean) => {
        if (isRandom) searching();
        return true;
      };
      return await this.#connect(peer, null, punch, signal);
    }
    let failure: unknown;
    for (const relay of this.#relays.attempts(peer.key, this.dht.randomized)) {
      const what = `${peer.key.slice(0, 12)}${relay ? " through a relay" : ""}`;
      using limit = deadline(ATTEMPT_MS, what, signal);
      try {
        // A relay is there at once; behind it, the search for a direct way goes on.
        const punch = (isRandom: boolean) => relay !== null || !isRandom;
        const stream = await this.#connect(peer, relay, punch, limit.signal);
        if (relay) {
          this.#relayed++;
          this.#relays.remember(peer.key, relay);
        }
        return stream;
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
        if (!relay && error instanceof Error && isAbsent(error.cause)) throw error;
      }
    }
    throw failure;
  }

  async #connect(
    { key, relays, near }: PeerAddress,
    relay: Buffer | null,
    punch: (isRandom: boolean) => boolean,
    signal: AbortSignal,
  ): Promise<NoiseStream> {
    const local = await this.#local?.node(signal);
    signal.throwIfAborted();
    if (local && !near) throw new NetworkError("no-live-peer", "no node of HyperDHT answers");
    const publicKey = Buffer.from(key, "hex");
    keepSafeRoute(this.dht, publicKey);
    let punched = false;
    const stream = local && near ? local.connect(publicKey, near) : this.dht.connect(publicKey, {
      ...(relays ? { relayAddresses: relays } : {}),
      ...(relay ? { relayThrough: relay } : {}),
      holepunch: (remote, local) => {
        punched = true;
        return punch(remote >= RANDOM || local >= RANDOM);
      },
      reusableSocket: true,
    });
    if (!local) limitMessages(stream);
    let failure: Error | undefined;
    stream.on("error", (error) => failure ??= error);
    try {
      if (await abortable(stream.opened, signal)) return stream;
      const { randomized } = this.dht;
      throw connectError({ key, relay: relay?.toString("hex"), failure, randomized, punched });
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /**
   * Who announces itself under the topic, this node left out, as nodes of the DHT tell it; where none
   * answers, who in the local network says that it has the repository.
   */
  async *lookup(topic: Buffer, signal: AbortSignal): AsyncGenerator<PeerAddress> {
    const near = await this.#local?.lookup(topic, signal);
    if (near) return yield* near.filter(({ key }) => key !== this.key);
    const query = this.dht.lookup(topic);
    const end = () => query.destroy();
    signal.addEventListener("abort", end, { once: true });
    const seen = new Set([this.key]);
    try {
      signal.throwIfAborted();
      for await (const { peers } of query) {
        for (const { publicKey, relayAddresses } of peers) {
          const key = publicKey.toString("hex");
          if (seen.has(key) || seen.size > MAX_PEERS) continue;
          seen.add(key);
          yield { key, relays: relayAddresses };
        }
      }
    } catch (error) {
      signal.throwIfAborted();
      throw new NetworkError("unreachable", `no node of HyperDHT answers: ${messageOf(error)}`, {
        hint: "check UDP and holepunch.bootstrap",
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", end);
      query.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using limit = deadline(FAREWELL_MS, "HyperDHT to forget this node");
    await this.close(limit.signal);
  }

  /** Tells nodes of the DHT that it goes, and ends; at the signal's abort it ends without a word. */
  async close(signal: AbortSignal): Promise<void> {
    this.#moves?.[Symbol.dispose]();
    this.#returns[Symbol.dispose]();
    await this.#local?.[Symbol.asyncDispose]();
    const unmapped = this.#mapped?.[Symbol.asyncDispose]();
    for (const dht of [this.dht, ...this.#first.toReversed()]) {
      const gone = dht.destroy();
      await abortable(gone, signal).catch(() => dht.destroy({ force: true }));
      await gone;
    }
    await unmapped;
  }
}

function readAddress(text: string): NodeAddress {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
