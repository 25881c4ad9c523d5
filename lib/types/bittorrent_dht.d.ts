/**
 * What gtr uses of bittorrent-dht 11.0.12 and, through it, of k-rpc 5.1. The package has no types of
 * its own. Members with a leading underscore are internal to it; the pinned version keeps them valid.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import type { RemoteInfo, Socket } from "node:dgram";
import type { EventEmitter } from "node:events";

/** A node of the DHT. */
export interface Contact {
  id: Buffer;
  host: string;
  port: number;
  /** Write token, in contacts made from a reply. */
  token?: Buffer | null;
}

/** A host and UDP port whose node id may be unknown. */
export interface Endpoint {
  host: string;
  port: number;
  id?: Buffer;
}

/** A decoded KRPC query, or what is to be sent as one. Nothing in a received one is validated. */
export interface Query {
  q: unknown;
  a?: Record<string, unknown>;
}

/** A decoded KRPC reply. Nothing in it is validated. */
export interface Reply {
  r?: Record<string, unknown>;
  /** The sender's program (BEP 5). */
  v?: unknown;
  /** The asker's address in compact form (BEP 42). */
  ip?: unknown;
}

/** A KRPC message that is to be sent. */
export interface KrpcMessage extends Partial<Query>, Reply {
  /** Query, reply or error. */
  y: "q" | "r" | "e";
  /** Which query it is, or answers. */
  t?: unknown;
}

export type QueryCallback = (
  error: (Error & { code?: string | number }) | null,
  reply?: Reply | null,
  from?: Contact | RemoteInfo,
) => void;

export interface KBucket {
  closest(id: Uint8Array, count?: number): Contact[];
  count(): number;
  toArray(): Contact[];
  get(id: Uint8Array): Contact | null;
  remove(id: Uint8Array): void;
}

export interface KrpcSocket extends EventEmitter {
  send(
    peer: Endpoint | RemoteInfo,
    message: KrpcMessage,
    done?: (error: Error | null) => void,
  ): void;
  /** Ends the query of a transaction as failed. */
  cancel(transaction: number, error: Error): void;
  query(peer: Endpoint, message: Query, callback: QueryCallback): void;
}

export interface Krpc {
  bootstrap: Endpoint[];
  socket: KrpcSocket;
  query(peer: Endpoint & { token?: Buffer | null }, message: Query, callback: QueryCallback): void;
  response(peer: RemoteInfo, query: Query, reply: Record<string, unknown>, nodes?: Contact[]): void;
  error(peer: RemoteInfo, query: Query, error: [number, string]): void;
}

/** A value as the node keeps and serves it (BEP 44). */
export interface StoredValue {
  /** Decoded, as it is encoded again into replies. */
  v: unknown;
  id: Uint8Array;
  k?: Uint8Array;
  salt?: Uint8Array;
  sig?: Uint8Array;
  seq?: number;
}

export interface Lru<T> extends EventEmitter {
  get(key: string): T | undefined;
  set(key: string, value: T): T;
  remove(key: string): T | undefined;
}

export interface ClientOptions {
  /** 20 bytes; random unless given. */
  nodeId?: Buffer;
  bootstrap: string[] | false;
  socket: Socket;
  /** Milliseconds. */
  timeout: number;
  concurrency: number;
  verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) => boolean;
  /** Handed to the LRU cache, which takes an age in milliseconds too. */
  maxValues: { max: number; maxAge: number };
  maxPeers: number;
  /** Milliseconds that an announced peer is kept. */
  maxAge: number;
}

export class Client extends EventEmitter {
  constructor(options: ClientOptions);
  readonly nodeId: Buffer;
  readonly nodes: KBucket;
  readonly destroyed: boolean;
  readonly _rpc: Krpc;
  _values: Lru<StoredValue>;
  readonly _peers: {
    get(infohash: string, count?: number): Buffer[];
    add(infohash: string, peer: Buffer): void;
  };
  listen(port: number, host: string, listening: () => void): void;
  address(): { address: string; port: number };
  addNode(node: Endpoint): void;
  destroy(closed: () => void): void;
  _onquery(query: Query, peer: RemoteInfo): void;
  _onfindnode(query: Query, peer: RemoteInfo): void;
  _onget(query: Query, peer: RemoteInfo): void;
  _ongetpeers(query: Query, peer: RemoteInfo): void;
  _onput(query: Query, peer: RemoteInfo): void;
  _addPeer(peer: Endpoint, infohash: unknown): void;
  _generateToken(host: string): Buffer;
  _validateToken(host: string, token: Buffer): boolean;
}
