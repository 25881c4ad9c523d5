/**
 * This user's node in the DHT of BitTorrent: peers of torrents (BEP 5) and items (BEP 44).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
import { GtrError, NetworkError } from "../../../common/errors.ts";
import { abortable, type Wait } from "../../../common/wait.ts";
import { type Address, formatHostPort, readCompact } from "../address.ts";
import { DIAL, DialBack } from "./dial_back.ts";
import { KnownNodes, PUBLIC_BOOTSTRAP } from "./endpoints.ts";
import {
  immutableFromReply,
  immutableTarget,
  MAX_VALUE_BYTES,
  mutableFromReply,
  type MutableItem,
  type MutableName,
  mutableTarget,
} from "./items.ts";
import { DhtNode, type NodeHooks } from "./node.ts";
import { Walker } from "./walk.ts";

/** Milliseconds until a query counts as lost; k-rpc-socket takes up to a quarter longer. */
const LOOPBACK_TIMEOUT_MS = 400;
const TIMEOUT_MS = 1000;
const SAVE_MS = 5 * 60_000;
const MAX_PEERS_FOUND = 500;
/** Of one answer: a single node must not leave no room for what others say. */
const MAX_PEERS_OF_NODE = 100;

export interface DhtOptions {
  /** IPv4 address to listen on. */
  readonly host: string;
  /** UDP port, 0 for any free one. */
  readonly port: number;
  /** "host:port" of first nodes; undefined for the public DHT, empty for a new network. */
  readonly bootstrap: readonly string[] | undefined;
  /** Remembers nodes from one run to the next. */
  readonly known: KnownNodes;
  /** Counts one dropped input. */
  readonly dropped: (reason: string) => void;
  /** A node answered a query of this node. */
  readonly answered?: NodeHooks["answered"];
  /** Whether a node that asks to be connected to may be, default any. */
  readonly mayDial?: (host: string) => boolean;
}

/** A running node. It answers others from the start, and joins the network in the background. */
export class Dht implements AsyncDisposable {
  readonly #node: DhtNode;
  readonly #options: DhtOptions;
  readonly #closed = new AbortController();
  readonly #saver: ReturnType<typeof setInterval>;
  readonly #onNode = new Set<() => void>();
  readonly #walker: Walker;
  readonly #dialBack: DialBack;
  #saving = Promise.resolve();

  private constructor(node: DhtNode, options: DhtOptions, dialBack: DialBack) {
    this.#node = node;
    this.#dialBack = dialBack;
    this.#options = options;
    node.on("node", () => this.#onNode.forEach((listener) => listener()));
    const loadKnown = async () => (await options.known.load()).nodes;
    this.#walker = new Walker(node, options.host, this.bootstrap, loadKnown, this.#closed.signal);
    // Saved early too: the port has to outlive a kill.
    this.#walker.joined.then(() => this.#save());
    this.#saver = setInterval(() => this.#save(), SAVE_MS);
    Deno.unrefTimer(this.#saver);
  }

  /**
   * Binds the socket and starts to join.
   *
   * @throws {NetworkError} "port-in-use" or "cannot-listen"
   */
  static async open(options: DhtOptions): Promise<Dht> {
    const timeout = options.host.startsWith("127.") ? LOOPBACK_TIMEOUT_MS : TIMEOUT_MS;
    const { dropped, answered, mayDial } = options;
    const dialBack = new DialBack();
    const dial = (host: string, port: number) =>
      mayDial?.(host) !== false && dialBack.dial(host, port);
    const node = new DhtNode(timeout, { dropped, answered, dial });
    try {
      await new Promise<void>((resolve, reject) => {
        node.once("error", reject);
        node.once("warning", reject);
        node.listen(options.port, options.host, resolve);
      });
    } catch (cause) {
      node.destroy(() => {});
      throw cannotListen(options, cause);
    }
    node.removeAllListeners("error");
    node.on("error", () => options.dropped("dht-socket-error"));
    return new Dht(node, options, dialBack);
  }

  /** UDP port. */
  get port(): number {
    return this.#node.address().port;
  }

  /** Nodes in the routing table. */
  get nodes(): number {
    return this.#node.nodes.count();
  }

  /** The configured first nodes. */
  get bootstrap(): readonly string[] {
    return this.#options.bootstrap ?? PUBLIC_BOOTSTRAP;
  }

  /** Calls `listener` for each node that is met for the first time. */
  onNode(listener: () => void): Disposable {
    this.#onNode.add(listener);
    return { [Symbol.dispose]: () => void this.#onNode.delete(listener) };
  }

  /** Resolves when the first try to join has ended, whether it found anyone or not. */
  ready(wait: Wait): Promise<void> {
    return abortable(this.#walker.joined, this.#signal(wait));
  }

  /**
   * The item with the highest sequence number among this node and the closest ones to it.
   *
   * @throws {NetworkError} "unreachable" where no node answers
   */
  async getMutable(name: MutableName | Buffer, wait: Wait): Promise<MutableItem | undefined> {
    let newest: MutableItem | undefined;
    for await (const item of this.mutableItems(name, wait)) newest = item;
    return newest;
  }

  /**
   * Like {@linkcode getMutable}, but yields at once what comes: each item is newer than the one
   * before. With a target instead of a name, only items without salt are found.
   */
  mutableItems(name: MutableName | Buffer, wait: Wait): ReadableStream<MutableItem> {
    const target = Buffer.isBuffer(name) ? name : mutableTarget(name);
    const salt = Buffer.isBuffer(name) ? undefined : name.salt;
    const stop = new AbortController();
    const signal = AbortSignal.any([wait.signal, stop.signal]);
    let newest = -1;
    return new ReadableStream<MutableItem>({
      start: async (controller) => {
        const offer = (item: MutableItem | undefined) => {
          if (!item) return this.#options.dropped("bad-dht-item");
          if (item.seq <= newest || signal.aborted) return;
          newest = item.seq;
          controller.enqueue(item);
        };
        const own = this.#node.stored(target);
        if (own?.k) offer(mutableFromReply({ ...own }, target, salt));
        try {
          await this.#walker.closest("get", target, signal, (r) => {
            if (r.v !== undefined) offer(mutableFromReply(r, target, salt));
            return true;
          });
          controller.close();
        } catch (error) {
          if (!stop.signal.aborted) controller.error(error);
        }
      },
      cancel: () => stop.abort(),
    });
  }

  /**
   * Stores an item on this node and on the closest ones to its target.
   *
   * @returns how many other nodes hold it now; 0 where there are none
   */
  async putMutable(item: MutableItem, wait: Wait): Promise<number> {
    const target = mutableTarget(item);
    const a = {
      k: Buffer.from(item.publicKey),
      ...(item.salt ? { salt: Buffer.from(item.salt) } : {}),
      seq: item.seq,
      sig: Buffer.from(item.signature),
      v: decodeValue(item.value),
    };
    this.#node.keep(target, a);
    return await this.#walker.store("get", target, { q: "put", a }, wait.signal);
  }

  /**
   * The bencoded value whose SHA-1 is `target`.
   *
   * @throws {NetworkError} "unreachable" where no node answers
   */
  async getImmutable(target: Buffer, wait: Wait): Promise<Uint8Array | undefined> {
    const own = this.#node.stored(target);
    let value = own && immutableFromReply({ ...own }, target);
    if (value) return value;
    const found = Promise.withResolvers<void>();
    const search = this.#walker.closest("get", target, this.#signal(wait), (r) => {
      if (value || r.v === undefined) return !value;
      value = immutableFromReply(r, target);
      if (value) found.resolve();
      else this.#options.dropped("bad-dht-item");
      return !value;
    });
    await Promise.race([found.promise, search]);
    search.catch(() => {}); // its outcome no longer matters once the value is here
    return value;
  }

  /**
   * Stores a bencoded value of at most 996 bytes under its SHA-1.
   *
   * @returns how many other nodes hold it now; 0 where there are none
   */
  async putImmutable(value: Uint8Array, wait: Wait): Promise<number> {
    if (value.length > MAX_VALUE_BYTES) {
      throw new RangeError(`a value of ${value.length} bytes does not fit an item`);
    }
    const target = immutableTarget(value);
    const v = decodeValue(value);
    this.#node.keep(target, { v });
    return await this.#walker.store("get", target, { q: "put", a: { v } }, wait.signal);
  }

  /** Stops holding an item that was put here. Other nodes forget it in their own time. */
  drop(target: Buffer): void {
    this.#node.drop(target);
  }

  /** The peers of a torrent, each once, as answers arrive. */
  lookup(infohash: Buffer, wait: Wait): ReadableStream<Address> {
    const stop = new AbortController();
    const signal = AbortSignal.any([wait.signal, stop.signal]);
    const seen = new Set<string>();
    return new ReadableStream<Address>({
      start: async (controller) => {
        const offer = (values: unknown) => {
          if (!Array.isArray(values)) return;
          for (const value of values.slice(0, MAX_PEERS_OF_NODE)) {
            const peer = Buffer.isBuffer(value) ? readCompact(value) : undefined;
            if (!peer || signal.aborted || seen.size >= MAX_PEERS_FOUND) continue;
            const key = formatHostPort(peer);
            if (seen.has(key)) continue;
            seen.add(key);
            controller.enqueue(peer);
          }
        };
        offer(this.#node._peers.get(infohash.toString("hex"), 100));
        try {
          await this.#walker.closest("get_peers", infohash, signal, (r) => {
            offer(r.values);
            return true;
          });
          controller.close();
        } catch (error) {
          if (!stop.signal.aborted) controller.error(error);
        }
      },
      cancel: () => stop.abort(),
    });
  }

  /**
   * Tells the nodes closest to `infohash` that this host has it on TCP port `port` (BEP 5).
   *
   * @returns how many other nodes took it; 0 where there are none
   */
  async announce(infohash: Buffer, port: number, wait: Wait): Promise<number> {
    const { host } = this.#options;
    if (host !== "0.0.0.0") {
      const peer = Buffer.from([...host.split(".").map(Number), port >> 8, port & 255]);
      this.#node._peers.add(infohash.toString("hex"), peer);
    }
    const a = { info_hash: infohash, port, implied_port: 0 };
    return await this.#walker.store("get_peers", infohash, { q: "announce_peer", a }, wait.signal);
  }

  /**
   * Asks another gtr to connect to a TCP port of this host.
   *
   * @returns whether it says that it will; it tells nothing of how that went
   */
  async askToDial(to: Address, port: number, wait: Wait): Promise<boolean> {
    const id = this.#node.nodeId;
    const ask = (q: string, a: Record<string, unknown>) =>
      new Promise<Record<string, unknown> | undefined>((resolve) => {
        this.#node._rpc.query(to, { q, a: { id, ...a } }, (error, reply) => {
          resolve(error ? undefined : reply?.r);
        });
      });
    const promised = async () => {
      const token = (await ask("get_peers", { info_hash: randomBytes(20) }))?.token;
      return Buffer.isBuffer(token) && await ask(DIAL, { port, token }) !== undefined;
    };
    return await abortable(promised(), this.#signal(wait));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(new GtrError("closed", "can't use the DHT: it was closed"));
    clearInterval(this.#saver);
    this.#dialBack[Symbol.dispose]();
    this.#onNode.clear();
    await this.#save();
    await new Promise<void>((resolve) => this.#node.destroy(resolve));
  }

  #signal(wait: Pick<Wait, "signal">): AbortSignal {
    return AbortSignal.any([wait.signal, this.#closed.signal]);
  }

  #save(): Promise<void> {
    const write = async () => {
      if (this.#node.destroyed) return;
      const nodes = this.#node.nodes.toArray();
      // A cache: where it can't be written, the next start takes longer, and that is all.
      await this.#options.known.save(this.port, nodes).catch(() => {});
    };
    return this.#saving = this.#saving.then(write);
  }
}

function cannotListen(options: DhtOptions, cause: unknown): NetworkError {
  const where = `${options.host}:${options.port}`;
  const hint = "set torrent.host and torrent.port to a free address, or torrent.port to 0";
  if ((cause as { code?: string }).code === "EADDRINUSE") {
    return new NetworkError("port-in-use", `can't listen on UDP ${where}: the port is in use`, {
      hint,
      cause,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new NetworkError("cannot-listen", `can't listen on UDP ${where}: ${why}`, { hint, cause });
}

function decodeValue(value: Uint8Array): unknown {
  return bencode.decode(value);
}
