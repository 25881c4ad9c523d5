/**
 * This user's node in the DHT of BitTorrent: peers of torrents (BEP 5) and items (BEP 44). There is
 * one of IPv4 and one of IPv6 (BEP 32), and the node may be in both.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
// @ts-types="../../../types/bencode.d.ts"
import bencode from "bencode";
import { GtrError } from "../../../common/errors.ts";
import { abortable, type Wait } from "../../../common/wait.ts";
import type { Query } from "../../../types/bittorrent_dht.d.ts";
import { type Address, formatHostPort, readCompact } from "../address.ts";
import { type Family, familyOf } from "./contacts.ts";
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
import { compareAndSwap, storedForm } from "./compare_and_swap.ts";
import { inAll } from "./in_all.ts";
import type { DhtNode } from "./node.ts";
import { openNodes, type OpenOptions } from "./open_nodes.ts";
import { type Question, Walker } from "./walk.ts";

const SAVE_MS = 5 * 60_000;
const MAX_PEERS_FOUND = 500;
/** Of one answer: a single node must not leave no room for what others say. */
const MAX_PEERS_OF_NODE = 100;
/** How often an item is read and put when others put one at the same time. */
const SWAP_ATTEMPTS = 3;

/** What {@linkcode Dht} is opened with. */
export interface DhtOptions extends OpenOptions {
  /** "host:port" of first nodes; undefined for the public DHT, empty for a new network. */
  readonly bootstrap: readonly string[] | undefined;
  /** Remembers nodes from one run to the next. */
  readonly known: KnownNodes;
  /** Whether a node that asks to be connected to may be, default any. */
  readonly mayDial?: (host: string) => boolean;
}

/** A running node. It answers others from the start, and joins the network in the background. */
export class Dht implements AsyncDisposable {
  /** Of IPv4, of IPv6, or one of each: they share the items that they hold. */
  readonly #nodes: readonly DhtNode[];
  readonly #options: DhtOptions;
  readonly #closed = new AbortController();
  readonly #saver: ReturnType<typeof setInterval>;
  readonly #onNode = new Set<() => void>();
  readonly #walkers: readonly Walker[];
  readonly #dialBack: DialBack;
  #saving = Promise.resolve();

  private constructor(nodes: readonly DhtNode[], options: DhtOptions, dialBack: DialBack) {
    this.#nodes = nodes;
    this.#dialBack = dialBack;
    this.#options = options;
    const loadKnown = async () => (await options.known.load()).nodes;
    this.#walkers = nodes.map((node, i) => {
      node.on("node", () => this.#onNode.forEach((listener) => listener()));
      return new Walker(node, {
        host: options.host,
        bootstrap: this.bootstrap,
        loadKnown,
        elsewhere: (others) => void this.#walkers[1 - i]?.tryNodes(others),
        closed: this.#closed.signal,
      });
    });
    // Saved early too: the port has to outlive a kill.
    for (const { joined } of this.#walkers) joined.then(() => this.#save());
    this.#saver = setInterval(() => this.#save(), SAVE_MS);
    Deno.unrefTimer(this.#saver);
  }

  /**
   * Binds the sockets and starts to join.
   *
   * @throws {NetworkError} "port-in-use" or "cannot-listen"
   */
  static async open(options: DhtOptions): Promise<Dht> {
    const dialBack = new DialBack();
    const dial = (host: string, port: number) =>
      options.mayDial?.(host) !== false && dialBack.dial(host, port);
    return new Dht(await openNodes({ ...options, dial }), options, dialBack);
  }

  /** UDP port. */
  get port(): number {
    return this.#nodes[0]!.address().port;
  }

  /** Nodes in the routing tables. */
  get nodes(): number {
    return this.#walkers.reduce((sum, { nodes }) => sum + nodes, 0);
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
    const joined = Promise.all(this.#walkers.map(({ joined }) => joined)).then(() => {});
    return abortable(joined, this.#signal(wait));
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
        const own = this.#nodes[0]!.stored(target);
        if (own?.k) offer(mutableFromReply({ ...own }, target, salt));
        try {
          await inAll(
            this.#walkers,
            signal,
            (walker, signal) =>
              walker.closest("get", target, signal, (r) => {
                if (r.v !== undefined) offer(mutableFromReply(r, target, salt));
                return true;
              }),
          );
          controller.close();
        } catch (error) {
          if (!stop.signal.aborted) controller.error(error);
        }
      },
      cancel: () => stop.abort(),
    });
  }

  /**
   * Stores an item on this node and on the closest ones to its target, but for those that have a
   * newer one.
   *
   * @param newer called with an item that is newer
   * @returns how many other nodes hold it now, or a newer one; 0 where there are none
   */
  async putMutable(
    item: MutableItem,
    wait: Wait,
    newer: (item: MutableItem) => void = () => {},
  ): Promise<number> {
    this.#keep(item); // whoever asks this node need not wait for the others
    const next = (newest: MutableItem | undefined) => {
      if (newest && newest.seq > item.seq) newer(newest);
      return item;
    };
    return await this.updateMutable(item, next, wait);
  }

  /**
   * Reads an item, and stores what `next` makes of the newest one. Nothing newer is overwritten, and
   * nothing that `next` was not shown, as far as the nodes know `cas`: `next` is asked again about
   * what came in between.
   *
   * @returns how many other nodes hold it now, or a newer one; 0 where there are none
   * @throws {NetworkError} "unreachable"; this node holds the item then
   */
  async updateMutable(
    name: MutableName,
    next: (newest: MutableItem | undefined) => MutableItem | Promise<MutableItem>,
    wait: Wait,
  ): Promise<number> {
    const target = mutableTarget(name);
    const put: MutableItem[] = [];
    for (let attempt = 1;; attempt++) {
      let newest: MutableItem | undefined;
      const see = (item: MutableItem | undefined) => {
        if (!item || item.seq <= (newest?.seq ?? -1)) return;
        if (!put.some((own) => Buffer.from(own.signature).equals(item.signature))) newest = item;
      };
      const visit = (reply: Record<string, unknown>) => {
        if (reply.v !== undefined) see(mutableFromReply(reply, target, name.salt));
        return true;
      };
      see(this.#held(name));
      const found = await inAll(this.#walkers, wait.signal, async (walker, signal) => {
        return { walker, holders: await walker.closest("get", target, signal, visit) };
      }).catch(async (error) => {
        this.#keep(await next(newest));
        throw error;
      });
      const item = await next(newest);
      put.push(item);
      this.#keep(item);
      const outcomes = await Promise.all(
        found.map(({ walker, holders }) =>
          Promise.all(
            holders.map((holder) =>
              compareAndSwap(item, holder, (message) => walker.send(holder, message, wait.signal))
            ),
          )
        ),
      );
      if (outcomes.flat().includes("conflict") && attempt < SWAP_ATTEMPTS) continue;
      const stored = outcomes.map((all) => all.filter((outcome) => outcome === "stored").length);
      return Math.max(...stored);
    }
  }

  /**
   * The bencoded value whose SHA-1 is `target`.
   *
   * @throws {NetworkError} "unreachable" where no node answers
   */
  async getImmutable(target: Buffer, wait: Wait): Promise<Uint8Array | undefined> {
    const own = this.#nodes[0]!.stored(target);
    let value = own && immutableFromReply({ ...own }, target);
    if (value) return value;
    const found = Promise.withResolvers<void>();
    const search = inAll(
      this.#walkers,
      this.#signal(wait),
      (walker, signal) =>
        walker.closest("get", target, signal, (r) => {
          if (value || r.v === undefined) return !value;
          value = immutableFromReply(r, target);
          if (value) found.resolve();
          else this.#options.dropped("bad-dht-item");
          return !value;
        }),
    );
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
    this.#nodes[0]!.keep(target, { v });
    return await this.#store("get", target, () => ({ q: "put", a: { v } }), wait);
  }

  /** Stops holding an item that was put here. Other nodes forget it in their own time. */
  drop(target: Buffer): void {
    this.#nodes[0]!.drop(target);
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
        for (const node of this.#nodes) offer(node._peers.get(infohash.toString("hex"), 100));
        try {
          await inAll(
            this.#walkers,
            signal,
            (walker, signal) =>
              walker.closest("get_peers", infohash, signal, (r) => {
                offer(r.values);
                return true;
              }),
          );
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
   * @param port where others reach it; by family if a router maps it
   * @returns how many other nodes took it; 0 where there are none
   */
  async announce(
    infohash: Buffer,
    port: number | Readonly<Record<Family, number>>,
    wait: Wait,
  ): Promise<number> {
    const ports = typeof port === "number" ? { 4: port, 6: port } : port;
    const { host } = this.#options;
    if (host !== "0.0.0.0" && host !== "::") {
      this.#nodes[0]!.hold({ host, port: ports[familyOf(host)] }, infohash);
    }
    return await this.#store("get_peers", infohash, (family) => {
      const a = { info_hash: infohash, port: ports[family], implied_port: 0 };
      return { q: "announce_peer", a };
    }, wait);
  }

  /**
   * Asks another gtr to connect to a TCP port of this host.
   *
   * @returns whether it says that it will; it tells nothing of how that went
   */
  async askToDial(to: Address, port: number, wait: Wait): Promise<boolean> {
    const node = this.#nodes.find(({ family }) => family === familyOf(to.host));
    if (!node) return false;
    const id = node.nodeId;
    const ask = (q: string, a: Record<string, unknown>) =>
      new Promise<Record<string, unknown> | undefined>((resolve) => {
        node._rpc.query(to, { q, a: { id, ...a } }, (error, reply) => {
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
    await Promise.all(
      this.#nodes.map((node) => new Promise<void>((resolve) => node.destroy(resolve))),
    );
  }

  /** @returns how many nodes took it, of the DHT where most did: many are in both */
  async #store(
    query: Question,
    target: Buffer,
    message: (family: Family) => Query,
    wait: Wait,
  ): Promise<number> {
    const stored = await inAll(
      this.#walkers,
      wait.signal,
      (walker, signal) => walker.store(query, target, message(walker.family), signal),
    );
    return Math.max(...stored);
  }

  /** The mutable item that this node holds, its own or another's. */
  #held(name: MutableName): MutableItem | undefined {
    const target = mutableTarget(name);
    const value = this.#nodes[0]!.stored(target);
    return value?.k && mutableFromReply({ ...value }, target, name.salt);
  }

  /** Holds an item for as long as the node runs, unless it holds a newer one. */
  #keep(item: MutableItem): void {
    if ((this.#held(item)?.seq ?? -1) > item.seq) return;
    this.#nodes[0]!.keep(mutableTarget(item), storedForm(item));
  }

  #signal(wait: Pick<Wait, "signal">): AbortSignal {
    return AbortSignal.any([wait.signal, this.#closed.signal]);
  }

  #save(): Promise<void> {
    const write = async () => {
      if (this.#nodes[0]!.destroyed) return;
      const nodes = this.#nodes.flatMap((node) => node.nodes.toArray());
      // A cache: where it can't be written, the next start takes longer, and that is all.
      await this.#options.known.save(this.port, nodes).catch(() => {});
    };
    return this.#saving = this.#saving.then(write);
  }
}

function decodeValue(value: Uint8Array): unknown {
  return bencode.decode(value);
}
