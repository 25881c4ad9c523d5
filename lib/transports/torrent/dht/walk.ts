/**
 * Joining the DHT, and walking it towards a target.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Contact, Query, Reply } from "../../../types/bittorrent_dht.d.ts";
import { NetworkError } from "../../../common/errors.ts";
import { abortable } from "../../../common/wait.ts";
import { type Address, formatHostPort, resolveHosts } from "./endpoints.ts";
import { type DhtNode, isId, K } from "./node.ts";

/** No second try to join within so many milliseconds. */
const REJOIN_MS = 3000;

/** A node that answered a lookup and takes what is stored near the target. */
type Holder = Contact & { token: Buffer };

/** What a walk asks each node for. */
export type Question = "get" | "get_peers";

/** Asks ever closer nodes for something. */
export class Walker {
  readonly #node: DhtNode;
  readonly #bootstrap: readonly string[];
  readonly #loadKnown: () => Promise<readonly Address[]>;
  /** Addresses that are this node itself. */
  readonly #self: ReadonlySet<string>;
  readonly #closed: AbortSignal;
  /** Settles when any node is met: a walk finds the others by itself. */
  readonly #met: Promise<void>;
  #joined: Promise<void>;
  #joinedAt = 0;

  /**
   * Starts to join.
   *
   * @param host address that the node listens on
   * @param bootstrap "host:port" of first nodes
   * @param loadKnown finds nodes of an earlier run
   * @param closed aborts when the node is closed
   */
  constructor(
    node: DhtNode,
    host: string,
    bootstrap: readonly string[],
    loadKnown: () => Promise<readonly Address[]>,
    closed: AbortSignal,
  ) {
    this.#node = node;
    this.#bootstrap = bootstrap;
    this.#loadKnown = loadKnown;
    const { port } = node.address();
    this.#self = new Set(["127.0.0.1", host].map((host) => formatHostPort({ host, port })));
    this.#closed = closed;
    this.#met = new Promise((resolve) => node.once("node", () => resolve()));
    this.#joined = this.#join();
  }

  /** Settles when the first try to join has ended, whether it found anyone or not. */
  get joined(): Promise<void> {
    return this.#joined;
  }

  /**
   * Asks ever closer nodes until the closest have answered; `visit` returns false to stop.
   *
   * @returns the {@linkcode K} closest that take values for `target`
   */
  async closest(
    query: Question,
    target: Buffer,
    signal: AbortSignal,
    visit: (r: Record<string, unknown>) => boolean,
  ): Promise<Holder[]> {
    const whole = AbortSignal.any([signal, this.#closed]);
    await this.#ensureJoined(whole);
    const id = this.#node.nodeId;
    const a = query === "get" ? { id, target } : { id, info_hash: target };
    const holders: Holder[] = [];
    let answers = 0;
    const onReply = ({ r }: Reply, from: { address: string; port: number }) => {
      if (whole.aborted) return false;
      if (!r) return true;
      answers++;
      if (isId(r.id) && Buffer.isBuffer(r.token)) {
        holders.push({ id: r.id, host: from.address, port: from.port, token: r.token });
      }
      return visit(r);
    };
    const search = new Promise<void>((resolve) =>
      this.#node._rpc.closest(target, { q: query, a }, onReply, () => resolve())
    );
    await abortable(search, whole);
    if (answers === 0 && this.#bootstrap.length > 0) throw this.#unreachable();
    return holders.sort((x, y) => compareDistance(target, x.id, y.id)).slice(0, K);
  }

  /** Sends `message` to the nodes closest to `target`, with the tokens that `query` gets from them. */
  async store(
    query: Question,
    target: Buffer,
    message: Query,
    signal: AbortSignal,
  ): Promise<number> {
    const holders = await this.closest(query, target, signal, () => true);
    const stored = holders.map((holder) =>
      new Promise<boolean>((resolve) => {
        const a = { ...message.a, id: this.#node.nodeId };
        this.#node._rpc.query(holder, { q: message.q, a }, (error) => {
          // 302: it has this sequence number already, which is what republishing finds.
          resolve(!error || error.code === 302);
        });
      })
    );
    const results = await abortable(Promise.all(stored), AbortSignal.any([signal, this.#closed]));
    return results.filter(Boolean).length;
  }

  async #join(): Promise<void> {
    const krpc = this.#node._rpc;
    const known = await this.#loadKnown();
    const first = await resolveHosts(this.#bootstrap);
    krpc.bootstrap = first.filter((node) => !this.#self.has(formatHostPort(node)));
    await this.#populate();
    // Nodes of an earlier run may have gone: they are waited for only where there is nobody else.
    const found = this.#node.nodes.count();
    const asked = found < K ? this.#ask(known) : undefined;
    if (found === 0 && await asked) await this.#populate();
    this.#joinedAt = Date.now();
  }

  /** Meets those nodes that are still there; resolves with whether there are any. */
  async #ask(known: readonly Address[]): Promise<boolean> {
    if (this.#closed.aborted) return false;
    const id = this.#node.nodeId;
    const others = known.filter((node) => !this.#self.has(formatHostPort(node)));
    const answers = others.map((node) =>
      new Promise<boolean>((resolve) => {
        const query = { q: "find_node", a: { id, target: id } };
        this.#node._rpc.query({ ...node }, query, (error) => resolve(!error));
      })
    );
    return (await Promise.all(answers)).includes(true);
  }

  async #populate(): Promise<void> {
    if (this.#closed.aborted) return;
    const id = this.#node.nodeId;
    const done = new Promise<void>((resolve) =>
      this.#node._rpc.populate(id, { q: "find_node", a: { id, target: id } }, () => resolve())
    );
    await abortable(done, this.#closed).catch(() => {}); // a closed node's walk has no end
  }

  async #ensureJoined(signal: AbortSignal): Promise<void> {
    await abortable(Promise.race([this.#met, this.#joined]), signal);
    if (this.#node.nodes.count() > 0 || this.#bootstrap.length === 0) return;
    if (Date.now() - this.#joinedAt > REJOIN_MS) {
      this.#joinedAt = Date.now();
      this.#joined = this.#join();
      await abortable(this.#joined, signal);
    }
  }

  #unreachable(): NetworkError {
    const tried = this.#bootstrap.length;
    return new NetworkError(
      "unreachable",
      `can't reach the BitTorrent DHT: none of ${tried} first node${
        tried === 1 ? "" : "s"
      } answers`,
      {
        hint: `check the network (UDP) and the setting torrent.bootstrap: ${
          this.#bootstrap.join(", ")
        }`,
      },
    );
  }
}

function compareDistance(target: Buffer, a: Buffer, b: Buffer): number {
  for (let i = 0; i < target.length; i++) {
    const difference = (a[i]! ^ target[i]!) - (b[i]! ^ target[i]!);
    if (difference !== 0) return difference;
  }
  return 0;
}
