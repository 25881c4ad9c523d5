/**
 * bittorrent-dht's node with its faults mended: what it answers to others, and whom it asks.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { RemoteInfo } from "node:dgram";
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
// @ts-types="../../../types/bittorrent_dht.d.ts"
import {
  Client,
  type Contact,
  type Endpoint,
  type Query,
  type Reply,
  type StoredValue,
} from "bittorrent-dht";
import { verifySignature } from "../../../identity/keys.ts";
import { compactAddress } from "../address.ts";
import { encodeContacts, type Family, NODES, wantedFamilies } from "./contacts.ts";
import { DIAL } from "./dial_back.ts";
import { addKeys } from "./extra_keys.ts";
import { mutableTarget } from "./items.ts";
import { safeSocket } from "./safe_socket.ts";

/** Kademlia's bucket size, and the number of nodes that a reply names and an item is stored on. */
export const K = 8;

const CONCURRENCY = 32;
/** About 1.5 KB each at most. */
const MAX_VALUES = 4000;
const MAX_PEERS = 10_000;
const MAX_PEERS_IN_REPLY = { 4: 50, 6: 30 };
const MAX_STORED_VALUE = 1000;
/** What BEP 44 suggests; publishers and followers put their items again every hour. */
const VALUE_AGE_MS = 2 * 60 * 60_000;
/** Others announce themselves every 15 to 30 minutes. */
const PEER_AGE_MS = 45 * 60_000;
/** How long a node that let a query time out is not asked again, unless it is heard of. */
const SILENCE_MS = 60_000;
const MAX_SILENT = 1000;

/** What a node calls. */
export interface NodeHooks {
  /** Counts one dropped input. */
  readonly dropped: (reason: string) => void;
  /** A node answered one of this node's queries. */
  readonly answered?: (
    from: { readonly host: string; readonly port: number },
    reply: Reply,
  ) => void;
  /** A node whose address is proved asks to be connected to; says whether it will be. */
  readonly dial?: (host: string, port: number) => boolean;
}

/** What a node is made from. */
export interface NodeOptions extends NodeHooks {
  readonly family: Family;
  /** Milliseconds until a query counts as lost. */
  readonly timeoutMs: number;
  /** This machine's node of the other family: they have one id, and items in common (BEP 32). */
  readonly other?: DhtNode;
}

/** A node of the DHT of one family that has not joined any network yet. */
export class DhtNode extends Client {
  readonly family: Family;
  readonly #hooks: NodeHooks;
  #other: DhtNode | undefined;
  #own = new Map<string, StoredValue>();

  constructor(options: NodeOptions) {
    const { family, timeoutMs, dropped, other } = options;
    const silent = new Map<string, number>();
    super({
      ...(other ? { nodeId: other.nodeId } : {}),
      bootstrap: false,
      timeout: timeoutMs,
      concurrency: CONCURRENCY,
      maxValues: { max: MAX_VALUES, maxAge: VALUE_AGE_MS },
      maxPeers: MAX_PEERS,
      maxAge: PEER_AGE_MS,
      verify: (signature, message, key) =>
        key instanceof Uint8Array && signature instanceof Uint8Array &&
        verifySignature(key, message, signature),
      socket: safeSocket(family, {
        dropped,
        onPacket: (from) => silent.delete(`${from.address}:${from.port}`),
        // The lookup whose listener threw would wait for a next packet that may never come.
        onFault: () => queueMicrotask(() => this.#kick()),
      }),
    });
    this.family = family;
    this.#hooks = options;
    addKeys(this._rpc.socket);
    this.#hearOfErrors();
    this.#watchQueries(silent);
    this.on("node", (node: Contact) => this.#replaceSameAddress(node));
    this.on("warning", () => {});
    if (other) {
      this.#other = other;
      other.#other = this;
      this.#own = other.#own;
      this._values = other._values;
      return;
    }
    this._values.on("evict", ({ key }: { key: string }) => {
      // Strangers' puts must not push out what this node itself publishes.
      const own = this.#own.get(key);
      if (own) queueMicrotask(() => this._values.set(key, own));
    });
  }

  /** Whether this machine has a node of the other family too. */
  get isDouble(): boolean {
    return this.#other?.destroyed === false; // it is if the system has no IPv6
  }

  /** Serves a value of this user's for as long as the node runs. */
  keep(target: Buffer, value: Omit<StoredValue, "id">): void {
    const key = target.toString("hex");
    const stored = { ...value, id: this.nodeId };
    this.#own.set(key, stored);
    this._values.set(key, stored);
  }

  /** Stops serving what {@linkcode keep} was given. */
  drop(target: Buffer): void {
    const key = target.toString("hex");
    if (this.#own.delete(key)) this._values.remove(key);
  }

  stored(target: Buffer): StoredValue | undefined {
    return this._values.get(target.toString("hex"));
  }

  override _onquery(query: Query, peer: RemoteInfo): void {
    if (String(query.q) === DIAL && query.a) this.#onDial(query, peer);
    else super._onquery(query, peer);
  }

  /** BEP 5: the unmodified node answers with its whole routing table, three times a packet. */
  override _onfindnode(query: Query, peer: RemoteInfo): void {
    const target = query.a?.target;
    if (!isId(target)) return;
    this._rpc.response(peer, query, { id: this.nodeId, ...this.#named(query, target, K) });
  }

  /** BEP 44: nodes are named beside the value, so that a lookup goes on to those that have a newer. */
  override _onget(query: Query, peer: RemoteInfo): void {
    const target = query.a?.target;
    if (!isId(target)) return;
    const reply: Record<string, unknown> = {
      id: this.nodeId,
      token: this._generateToken(peer.address),
    };
    const value = this.stored(target);
    // A packet of an item and nodes of IPv6 has to fit into one of 1,500 bytes too.
    const count = value && this.family === 6 ? K / 2 : K;
    if (value) {
      if (value.sig) reply.seq = value.seq;
      const known = query.a?.seq;
      const isNews = typeof known !== "number" || typeof value.seq !== "number" ||
        value.seq > known;
      if (isNews) {
        reply.v = value.v;
        if (value.sig) Object.assign(reply, { k: value.k, sig: value.sig });
      }
    }
    this._rpc.response(peer, query, { ...reply, ...this.#named(query, target, count) });
  }

  /** BEP 5, with a bounded number of peers, and nodes beside them. */
  override _ongetpeers(query: Query, peer: RemoteInfo): void {
    const infohash = query.a?.info_hash;
    if (!isId(infohash)) return;
    const reply: Record<string, unknown> = {
      id: this.nodeId,
      token: this._generateToken(peer.address),
    };
    const most = MAX_PEERS_IN_REPLY[this.family];
    const values = this._peers.get(infohash.toString("hex"), most);
    if (values.length > 0) reply.values = values;
    this._rpc.response(peer, query, { ...reply, ...this.#named(query, infohash, K) });
  }

  /** The unmodified node knows no IPv6, and takes any infohash. */
  override _addPeer(peer: Endpoint, infohash: unknown): void {
    if (isId(infohash)) this.hold(peer, infohash);
  }

  /** Tells those who ask that there is a peer of a torrent. */
  hold(peer: Endpoint, infohash: Buffer): void {
    this._peers.add(infohash.toString("hex"), Buffer.from(compactAddress(peer)));
  }

  /**
   * BEP 44. The unmodified node checks the size of byte strings only, and refuses (302) to have an
   * item refreshed.
   */
  override _onput(query: Query, peer: RemoteInfo): void {
    const { v, k, salt, sig, token } = query.a ?? {};
    if (v === undefined || bencode.encode(v).length > MAX_STORED_VALUE) {
      this._rpc.error(peer, query, [205, "message (v field) too big"]);
      return;
    }
    if (Buffer.isBuffer(k) && Buffer.isBuffer(sig) && Buffer.isBuffer(token)) {
      const name = { publicKey: k, salt: Buffer.isBuffer(salt) ? salt : undefined };
      const target = mutableTarget(name);
      const held = this.stored(target);
      // The same signature is the same item.
      if (held?.sig && sig.equals(held.sig) && this._validateToken(peer.address, token)) {
        this._values.set(target.toString("hex"), held);
        this._rpc.response(peer, query, { id: this.nodeId });
        return;
      }
    }
    super._onput(query, peer);
  }

  #onDial(query: Query, peer: RemoteInfo): void {
    const { port, token } = query.a ?? {};
    const isPort = typeof port === "number" && Number.isInteger(port) && port > 0 && port < 65536;
    if (!isPort || !Buffer.isBuffer(token) || !this._validateToken(peer.address, token)) {
      return this._rpc.error(peer, query, [203, "bad token or port"]);
    }
    if (this.#hooks.dial?.(peer.address, port)) {
      this._rpc.response(peer, query, { id: this.nodeId });
    } else this._rpc.error(peer, query, [202, "try again later"]);
  }

  /** The nodes closest to a target, of the families that the query wants. */
  #named(query: Query, target: Buffer, count: number): Record<string, Buffer> {
    const named = wantedFamilies(query.a?.want, this.family).map((family) => {
      const node = family === this.family ? this : this.#other;
      return [NODES[family], encodeContacts(node?.nodes.closest(target, count) ?? [])];
    });
    return Object.fromEntries(named);
  }

  #kick(): void {
    this._rpc.socket.emit("update");
    this._rpc.socket.emit("postupdate");
  }

  /**
   * Tells of answers, and asks no silent nodes: one that is dead would cost each lookup a whole timeout
   * for as long as others still name it.
   */
  #watchQueries(silent: Map<string, number>): void {
    const socket = this._rpc.socket;
    const ask = socket.query.bind(socket);
    socket.query = (peer, message, callback) => {
      const address = `${peer.host}:${peer.port}`;
      const since = silent.get(address);
      // With nobody else to ask, asking again is all there is.
      const skipped = since !== undefined && Date.now() - since < SILENCE_MS &&
        this.nodes.count() > 0;
      if (skipped) {
        const error = Object.assign(new Error("silent before"), { code: "ETIMEDOUT" });
        queueMicrotask(() => callback(error, null, peer as Contact));
        return;
      }
      ask(peer, message, (error, reply, ...rest) => {
        if (error?.code === "ETIMEDOUT") {
          if (silent.size >= MAX_SILENT) silent.delete(silent.keys().next().value!);
          silent.set(address, Date.now());
        }
        if (reply) this.#hooks.answered?.(peer, reply);
        callback(error, reply, ...rest);
      });
    };
  }

  /** Where there is no way to an address, nobody has to wait for an answer: IPv6 on many machines. */
  #hearOfErrors(): void {
    const socket = this._rpc.socket;
    const send = socket.send.bind(socket);
    socket.send = (peer, message, done) =>
      send(peer, message, (error) => {
        done?.(error);
        const { t, y } = message;
        if (!error || y !== "q" || !Buffer.isBuffer(t)) return;
        const unreachable = Object.assign(new Error("can't be sent"), { code: "ETIMEDOUT" });
        socket.cancel(t.readUInt16BE(0), unreachable);
      });
  }

  /** A restarted node has a new id at its old address; the old id would shadow it in lookups. */
  #replaceSameAddress(node: Contact): void {
    for (const old of this.nodes.toArray()) {
      const same = old.host === node.host && old.port === node.port;
      if (same && !old.id.equals(node.id)) this.nodes.remove(old.id);
    }
  }
}

/** Whether `value` is a node id or a target: 20 bytes. */
export function isId(value: unknown): value is Buffer {
  return Buffer.isBuffer(value) && value.length === 20;
}
