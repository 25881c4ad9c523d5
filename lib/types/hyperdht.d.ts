/**
 * What gtr uses of hyperdht 6.34.0 and of the streams that it gives (@hyperswarm/secret-stream 6.9).
 * The package has no types of its own.
 *
 * @module
 */
import type { Buffer } from "node:buffer";

/** An ed25519 key pair as hyperdht takes it. */
export interface KeyPair {
  readonly publicKey: Buffer;
  readonly secretKey: Buffer;
}

/** What signs in place of a secret key. */
export interface Signer {
  readonly publicKey: Buffer;
  sign(message: Uint8Array): Uint8Array;
}

/** A node's UDP address. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** A node of the routing table. */
export interface DhtNode extends NodeAddress {
  readonly id: Buffer;
}

/** Who has announced itself under a topic, as a node of the DHT tells it. Nothing of it is proved. */
export interface AnnouncedPeer {
  readonly publicKey: Buffer;
  readonly relayAddresses: readonly NodeAddress[];
}

/** A walk towards a target; iterating it takes the answers of nodes. */
export interface Query<T> extends AsyncIterable<T> {
  finished(): Promise<void>;
  destroy(): void;
  once(event: "error" | "close", listener: (error?: Error) => void): void;
}

/** A Noise-encrypted stream: streamx' Duplex. */
export interface NoiseStream {
  readonly remotePublicKey: Buffer;
  /** The stream of UDX under it. */
  readonly rawStream: {
    readonly remoteHost: string | null;
    readonly remotePort: number;
    prependListener(event: "data", listener: (chunk: Uint8Array) => void): void;
  } | null;
  /** Whether the handshake succeeded. */
  readonly opened: Promise<boolean>;
  readonly destroying: boolean;
  on(event: "data", listener: (chunk: Uint8Array) => void): void;
  on(event: "end" | "close" | "drain", listener: () => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  /** "connect": the handshake is done, and nothing of the other side has been read. */
  once(event: "connect", listener: () => void): void;
  write(chunk: Uint8Array): boolean;
  end(): void;
  destroy(error?: Error): void;
  pause(): void;
  resume(): void;
}

/** Takes connections for one key. */
export interface Server {
  readonly relayAddresses: readonly NodeAddress[];
  listen(keyPair: KeyPair): Promise<unknown>;
  /** Announces it anew within a few seconds. */
  refresh(): void;
  close(): Promise<void>;
}

/** Options of a node. */
export interface NodeOptions {
  /** In the place of udx-native. */
  readonly udx: object;
  readonly host?: string;
  readonly port?: number;
  /** Absent: the public network. */
  readonly bootstrap?: readonly NodeAddress[];
  readonly ephemeral?: boolean;
  readonly firewalled?: boolean;
}

/** A node of the DHT. */
export default class HyperDHT {
  constructor(options: NodeOptions);
  static keyPair(seed?: Uint8Array): KeyPair;
  readonly online: boolean;
  /** What is in the routing table, by age. */
  readonly nodes: { readonly length: number; remove(node: DhtNode): void };
  /** The routing table. */
  readonly table: { remove(id: Buffer): void };
  on(event: "add-node" | "remove-node", listener: (node: DhtNode) => void): void;
  /** "network-update": `online` may have changed. */
  on(event: "network-update" | "add-node" | "remove-node", listener: () => void): void;
  /** Whether its router gives each connection another port. */
  readonly randomized: boolean;
  /** Where other nodes see this one; null if they don't agree. */
  readonly host: string | null;
  /** 0 if each of them sees another one. */
  readonly port: number;
  /** What they said: how many. Internal to the package; the pinned version keeps it valid. */
  readonly _nat: { readonly size: number };
  readonly bootstrapped: boolean;
  /** Whether other nodes could not send to its port by themselves; true until that was tried. */
  firewalled: boolean;
  /** Whether it is in no other node's routing table. */
  ephemeral: boolean;
  readonly destroyed: boolean;
  readonly io: {
    firewalled: boolean;
    ephemeral: boolean;
    /** Where packets come in at a node that isn't firewalled; null before it is bound. */
    readonly serverSocket: { address(): NodeAddress } | null;
  };
  /** Resolves when its sockets are open. */
  bind(): Promise<void>;
  /**
   * Asks other nodes for packets to the server's socket, and takes `firewalled` from what comes.
   *
   * @param onlyFirewall without getting into other nodes' routing tables at once
   */
  _updateNetworkState(onlyFirewall: boolean): Promise<boolean>;
  readonly stats: { readonly relaying: { readonly successes: number } };
  address(): NodeAddress;
  /** Where it can be reached in the local network; null before it is bound. */
  localAddress(): NodeAddress | null;
  /** A stream of the node's UDX. */
  createRawStream(options: object): object;
  fullyBootstrapped(): Promise<void>;
  connect(
    publicKey: Buffer,
    options?: {
      readonly relayAddresses?: readonly NodeAddress[];
      /** Key of a blind relay, used as long as there is no direct connection. */
      readonly relayThrough?: Buffer;
      /**
       * Asked before a hole is punched; false ends it. What the two routers are: 2 gives all
       * connections one port, 3 each another.
       */
      readonly holepunch?: (remote: number, local: number) => boolean;
      /** Later connections to the peer use the same hole, if it says so too. */
      readonly reusableSocket?: boolean;
    },
  ): NoiseStream;
  createServer(
    options: {
      readonly firewall?: (remotePublicKey: Buffer) => boolean;
      /** Asked at each handshake. */
      readonly relayThrough?: () => Buffer | null;
      readonly reusableSocket?: boolean;
    },
    onconnection: (stream: NoiseStream) => void,
  ): Server;
  /** @returns `to`: where this node's packet came from, as the other sees it */
  ping(node: NodeAddress): Promise<{ readonly to: NodeAddress }>;
  lookup(topic: Buffer): Query<{ readonly peers: readonly AnnouncedPeer[] }>;
  announce(
    topic: Buffer,
    keyPair: KeyPair,
    relayAddresses: readonly NodeAddress[],
  ): Query<unknown>;
  unannounce(topic: Buffer, keyPair: KeyPair): Promise<void>;
  mutablePut(
    signer: Signer | KeyPair,
    value: Buffer,
    options: { readonly seq: number },
  ): Promise<unknown>;
  mutableGet(
    publicKey: Buffer,
    options?: { readonly refresh?: (record: MutableRecord) => boolean },
  ): Promise<MutableRecord | null>;
  immutablePut(value: Buffer): Promise<{ readonly hash: Buffer }>;
  immutableGet(hash: Buffer): Promise<{ readonly value: Buffer } | null>;
  destroy(options?: { readonly force?: boolean }): Promise<void>;
}

/** A record under a key, its signature verified. */
export interface MutableRecord {
  readonly seq: number;
  readonly value: Buffer;
}
