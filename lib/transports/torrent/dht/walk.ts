/**
 * Joining the DHT, and walking it towards a target.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Contact, Endpoint, Query } from "../../../types/bittorrent_dht.d.ts";
import { counted } from "../../../common/counted.ts";
import { NetworkError } from "../../../common/errors.ts";
import { abortable } from "../../../common/wait.ts";
import { type Address, formatHostPort } from "../address.ts";
import { contactsIn, type Family, familyOf } from "./contacts.ts";
import { resolveHosts } from "./endpoints.ts";
import { type DhtNode, K } from "./node.ts";
import { type Found, search, SEARCH_WIDTH } from "./search.ts";

/** No second try to join within so many milliseconds. */
const REJOIN_MS = 3000;
/** So many nodes of the other family are as good as all. */
const MAX_OTHERS = 20;

/** A node that answered a lookup and takes what is stored near the target. */
export interface Holder extends Contact {
  readonly token: Buffer;
  /** What it answered. */
  readonly reply: Record<string, unknown>;
}

/** What a walk asks each node for. */
export type Question = "get" | "get_peers";

/** What a {@linkcode Walker} is made from. */
export interface WalkerOptions {
  /** Address that the node listens on. */
  readonly host: string;
  /** "host:port" of first nodes. */
  readonly bootstrap: readonly string[];
  /** Finds nodes of an earlier run. */
  readonly loadKnown: () => Promise<readonly Address[]>;
  /** Told of nodes of the other family that nodes of this one name. */
  readonly elsewhere: (nodes: readonly Address[]) => void;
  /** Aborts when the node is closed. */
  readonly closed: AbortSignal;
}

/** Asks ever closer nodes of the DHT of one family for something. */
export class Walker {
  readonly #node: DhtNode;
  readonly #bootstrap: readonly string[];
  readonly #loadKnown: () => Promise<readonly Address[]>;
  readonly #elsewhere: (nodes: readonly Address[]) => void;
  /** Addresses that are this node itself. */
  readonly #self: ReadonlySet<string>;
  readonly #closed: AbortSignal;
  /** Settles when any node is met: a walk finds the others by itself. */
  readonly #met: Promise<void>;
  /** Settles when the first try to join has ended, whether it found anyone or not. */
  readonly joined: Promise<void>;
  #joining: Promise<void>;
  #joinedAt = 0;

  /** Starts to join. */
  constructor(node: DhtNode, options: WalkerOptions) {
    this.#node = node;
    this.#bootstrap = options.bootstrap;
    this.#loadKnown = options.loadKnown;
    this.#elsewhere = options.elsewhere;
    const { port } = node.address();
    const own = [node.family === 6 ? "::1" : "127.0.0.1", options.host];
    this.#self = new Set(own.map((host) => formatHostPort({ host, port })));
    this.#closed = options.closed;
    this.#met = new Promise((resolve) => node.once("node", () => resolve()));
    this.joined = this.#joining = this.#join();
  }

  /** Which DHT it walks. */
  get family(): Family {
    return this.#node.family;
  }

  /** Nodes in the routing table. */
  get nodes(): number {
    return this.#node.nodes.count();
  }

  /** Nodes that the DHT of the other family named: the way in for who knows no other. */
  async tryNodes(nodes: readonly Address[]): Promise<void> {
    await this.joined;
    if (this.nodes < K && await this.#ask(nodes)) await this.#populate();
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
    let answers = 0;
    const found = await this.#search({ q: query, a }, target, whole, (r) => {
      answers++;
      return visit(r);
    });
    if (answers === 0 && this.#bootstrap.length > 0) throw this.#unreachable();
    return found.flatMap(({ id, host, port, reply }) =>
      Buffer.isBuffer(reply.token) ? [{ id, host, port, reply, token: reply.token }] : []
    ).slice(0, K);
  }

  /**
   * Sends `message` to the nodes closest to `target`, with the tokens that `query` gets from them.
   *
   * @returns how many took it
   */
  async store(
    query: Question,
    target: Buffer,
    message: Query,
    signal: AbortSignal,
  ): Promise<number> {
    const holders = await this.closest(query, target, signal, () => true);
    const errors = await Promise.all(holders.map((holder) => this.send(holder, message, signal)));
    return errors.filter((error) => error === undefined).length;
  }

  /** Sends `message` to a node; resolves with the error's code if it doesn't take it. */
  async send(holder: Holder, message: Query, signal: AbortSignal): Promise<unknown> {
    const answered = new Promise((resolve) => {
      const a = { ...message.a, id: this.#node.nodeId };
      this.#node._rpc.query(holder, { q: message.q, a }, (error) => {
        resolve(error ? error.code ?? "unknown" : undefined);
      });
    });
    return await abortable(answered, AbortSignal.any([signal, this.#closed]));
  }

  async #join(): Promise<void> {
    const krpc = this.#node._rpc;
    const known = await this.#loadKnown();
    const first = await resolveHosts(this.#bootstrap, this.#node.family);
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
    const others = known.filter((node) =>
      familyOf(node.host) === this.#node.family && !this.#self.has(formatHostPort(node))
    );
    const answers = others.map((node) =>
      new Promise<boolean>((resolve) => {
        const query = { q: "find_node", a: { id, target: id } };
        this.#node._rpc.query({ ...node }, query, (error) => resolve(!error));
      })
    );
    return (await Promise.all(answers)).includes(true);
  }

  async #populate(): Promise<void> {
    const id = this.#node.nodeId;
    const { isDouble, family } = this.#node;
    const want = isDouble ? { want: ["n4", "n6"] } : {};
    const query = { q: "find_node", a: { id, target: id, ...want } };
    const others: Address[] = [];
    await this.#search(query, id, this.#closed, (r) => {
      if (isDouble && others.length < MAX_OTHERS) {
        others.push(...contactsIn(r, family === 4 ? 6 : 4));
      }
      return true;
    }).catch(() => {}); // a closed node's walk has no end
    if (others.length > 0) this.#elsewhere(others);
  }

  /** From the nodes that are known; from the configured ones where those are few, or silent. */
  async #search(
    query: Query,
    target: Buffer,
    signal: AbortSignal,
    visit: (r: Record<string, unknown>) => boolean,
  ): Promise<Found[]> {
    const { bootstrap } = this.#node._rpc;
    const from = (first: readonly Endpoint[]) =>
      abortable(
        search({
          target,
          self: this.#node.nodeId,
          family: this.#node.family,
          first,
          ask: (node) => this.#query(node, query),
          visit: (r) => !signal.aborted && visit(r),
        }),
        signal,
      );
    const known = this.#node.nodes.closest(target, SEARCH_WIDTH);
    if (known.length === 0 || known.length < bootstrap.length) {
      return await from([...known, ...bootstrap]);
    }
    const found = await from(known);
    return found.length > 0 ? found : await from(bootstrap);
  }

  /** A node that doesn't answer leaves the routing table. */
  #query(node: Endpoint, { q, a }: Query): Promise<Record<string, unknown> | undefined> {
    const { host, port, id } = node;
    return new Promise((resolve) =>
      // Without the id that others say it has: whoever is there gives its own.
      this.#node._rpc.query({ host, port }, { q, a: { ...a } }, (error, reply) => {
        if (error?.code === "ETIMEDOUT" && id) {
          const known = this.#node.nodes.get(id);
          if (known?.host === host && known.port === port) this.#node.nodes.remove(id);
        }
        resolve(error ? undefined : reply?.r);
      })
    );
  }

  async #ensureJoined(signal: AbortSignal): Promise<void> {
    await abortable(Promise.race([this.#met, this.#joining]), signal);
    if (this.#node.nodes.count() > 0 || this.#bootstrap.length === 0) return;
    if (Date.now() - this.#joinedAt > REJOIN_MS) {
      this.#joinedAt = Date.now();
      this.#joining = this.#join();
      await abortable(this.#joining, signal);
    }
  }

  #unreachable(): NetworkError {
    const tried = this.#bootstrap.length;
    return new NetworkError(
      "unreachable",
      `can't reach the BitTorrent DHT: none of ${counted(tried, "first node")} answers`,
      {
        hint: `check the network (UDP) and the setting torrent.bootstrap: ${
          this.#bootstrap.join(", ")
        }`,
      },
    );
  }
}
