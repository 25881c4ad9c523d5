/**
 * A node of HyperDHT: finding peers by key or topic, and connecting to them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import HyperDHT from "../../hyperdht/mod.ts";
import { NetworkError } from "../../common/errors.ts";
import { abortable } from "../../common/wait.ts";
import type { KeyPair, NodeAddress, NoiseStream, Server } from "../../types/hyperdht.d.ts";
import { UDX } from "../../udx/mod.ts";

/** Nodes that a new network begins with: of fewer, records are lost when one of them is busy. */
const FIRST_NODES = 5;
/** Of what nodes of the DHT say to one search no more peers are tried. */
const MAX_PEERS = 64;

/** Where a peer is. Nothing of it is proved until it is connected. */
export interface PeerAddress {
  /** Its public key, 64 lower-case hex digits. */
  readonly key: string;
  /** Nodes that know the way to it. */
  readonly relays?: readonly NodeAddress[];
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
}

/** One node, and the key pair that it is known by. */
export class HyperNode implements AsyncDisposable {
  readonly dht: HyperDHT;
  readonly keys: KeyPair;
  /** Those that a new network begins with. */
  readonly #first: readonly HyperDHT[];

  private constructor(dht: HyperDHT, keys: KeyPair, first: readonly HyperDHT[]) {
    this.dht = dht;
    this.keys = keys;
    this.#first = first;
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
    const dht = new HyperDHT({ udx: new UDX(), host, port: own, bootstrap });
    return new HyperNode(dht, HyperDHT.keyPair(options.seed), first);
  }

  /** This node's key in 64 hex digits. */
  get key(): string {
    return this.keys.publicKey.toString("hex");
  }

  /** Nodes of the DHT that are known. */
  get size(): number {
    return this.dht.nodes.length;
  }

  /** Where others can join the network that began here: "127.0.0.1:49737". */
  get first(): string | undefined {
    const address = this.#first[0]?.address();
    return address && `${address.host}:${address.port}`;
  }

  async ready(signal: AbortSignal): Promise<void> {
    await abortable(this.dht.fullyBootstrapped(), signal);
  }

  /** Takes connections from now on. */
  async listen(
    admit: () => boolean,
    onconnection: (stream: NoiseStream) => void,
  ): Promise<Server> {
    const server = this.dht.createServer({ firewall: () => !admit() }, (stream) => {
      stream.on("error", () => {}); // told to whoever reads or writes
      onconnection(stream);
    });
    await server.listen(this.keys);
    return server;
  }

  /**
   * A stream to whoever has the key.
   *
   * @throws {NetworkError} "no-live-peer"
   */
  async connect({ key, relays }: PeerAddress, signal: AbortSignal): Promise<NoiseStream> {
    signal.throwIfAborted();
    const options = relays ? { relayAddresses: relays } : {};
    const stream = this.dht.connect(Buffer.from(key, "hex"), options);
    let failure: Error | undefined;
    stream.on("error", (error) => failure ??= error);
    try {
      if (await abortable(stream.opened, signal)) return stream;
      const why = failure?.message ?? "it hung up";
      const message = `can't connect to ${key.slice(0, 12)}: ${why}`;
      throw new NetworkError("no-live-peer", message, { cause: failure });
    } catch (error) {
      stream.destroy();
      throw error;
    }
  }

  /** Who announces itself under the topic, this node left out, as nodes of the DHT tell it. */
  async *lookup(topic: Buffer, signal: AbortSignal): AsyncGenerator<PeerAddress> {
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
    await this.dht.destroy();
    for (const dht of this.#first.toReversed()) await dht.destroy();
  }
}

function readAddress(text: string): NodeAddress {
  const at = text.lastIndexOf(":");
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
