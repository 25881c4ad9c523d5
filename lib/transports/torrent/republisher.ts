/**
 * Keeping things in the DHT: other nodes forget items after about two hours and peers after half an
 * hour, and a small network's new nodes have heard of nothing yet.
 *
 * @module
 */
import { abortable, type Wait } from "../../common/wait.ts";
import type { Dht } from "./dht/dht.ts";
import { K } from "./dht/node.ts";

/** Refresh times, in milliseconds, and how far they are spread. */
export const ITEM_REFRESH_MS = 60 * 60_000;
export const PEER_REFRESH_MS = 20 * 60_000;
const JITTER = 0.1;
const RETRY_MS = 60_000;
const CONCURRENCY = 4;
/** Joins come in bursts; one round answers them all. */
const DEBOUNCE_MS = 20;

/** Something that has to be told to the DHT again and again. */
export interface Duty {
  /** Milliseconds between two runs. */
  readonly every: number;
  /** Whether it is of use after this node has gone: an item is, a peer is not. */
  readonly outlives: boolean;
  /** Returns the number of other nodes that took it. */
  run(wait: Wait): Promise<number>;
}

interface Entry {
  readonly duty: Duty;
  timer?: ReturnType<typeof setTimeout>;
  /** Nodes known when the last finished run began; undefined before it. */
  nodes?: number;
  running?: Promise<number>;
  /** Whether what is running tells what is no longer so. */
  isStale?: boolean;
}

/** Whether a network that had `before` known nodes is now so large that items belong on others too. */
export function hasGrown(before: number, now: number): boolean {
  return now > before && (before < K || now >= 2 * before);
}

/** Runs duties when they are due, when they failed a minute ago, and when the network has grown. */
export class Republisher implements AsyncDisposable {
  readonly #dht: Pick<Dht, "nodes" | "onNode">;
  readonly #failed: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();
  readonly #due = new Set<string>();
  /** Runs under way, those of duties that were replaced too. */
  readonly #running = new Set<Promise<number>>();
  readonly #stop = new AbortController();
  readonly #nodes: Disposable;
  #workers = 0;
  #debounce?: ReturnType<typeof setTimeout>;

  /** @param failed is told of each run that failed */
  constructor(dht: Pick<Dht, "nodes" | "onNode">, failed: (error: unknown) => void) {
    this.#dht = dht;
    this.#failed = failed;
    this.#nodes = dht.onNode(() => {
      this.#debounce ??= setTimeout(() => this.#onGrowth(), DEBOUNCE_MS);
    });
  }

  /** Adds a duty, or replaces the one of this key, and runs it soon. */
  set(key: string, duty: Duty): void {
    this.remove(key);
    this.#entries.set(key, { duty });
    this.#enqueue(key);
  }

  /** Adds or replaces a duty and runs it now; rejects as that run does. */
  async setNow(key: string, duty: Duty, wait: Wait): Promise<number> {
    this.remove(key);
    const entry: Entry = { duty };
    this.#entries.set(key, entry);
    return await abortable(this.#run(entry, key), wait.signal);
  }

  /** Runs duties again soon: what they tell has changed. */
  again(isMeant: (key: string) => boolean): void {
    for (const [key, entry] of this.#entries) {
      if (!isMeant(key)) continue;
      if (entry.running) entry.isStale = true;
      else this.#enqueue(key);
    }
  }

  /** Forgets the duty of `key`, or all whose key starts with `key` where it ends with "/". */
  remove(key: string): void {
    for (const found of key.endsWith("/") ? this.keys(key) : [key]) {
      clearTimeout(this.#entries.get(found)?.timer);
      this.#entries.delete(found);
      this.#due.delete(found);
    }
  }

  /** The keys that start with `prefix`. */
  keys(prefix: string): string[] {
    return [...this.#entries.keys()].filter((key) => key.startsWith(prefix));
  }

  /** Resolves when what outlives this node has been run at least once. */
  async flush(wait: Wait): Promise<void> {
    for (;;) {
      const open = [...this.#entries].filter(([, e]) =>
        e.duty.outlives && (e.nodes === undefined || e.running)
      );
      if (open.length === 0) return;
      await abortable(
        Promise.allSettled(open.map(([key, entry]) => entry.running ?? this.#run(entry, key))),
        wait.signal,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#nodes[Symbol.dispose]();
    clearTimeout(this.#debounce);
    for (const key of this.keys("")) this.remove(key);
    await Promise.allSettled(this.#running);
  }

  #enqueue(key: string): void {
    this.#due.add(key);
    if (this.#workers < CONCURRENCY) this.#work();
  }

  async #work(): Promise<void> {
    this.#workers++;
    // Callers set several duties in one go; those that are waited for go first.
    await Promise.resolve();
    for (const key of this.#due) {
      this.#due.delete(key);
      const entry = this.#entries.get(key);
      if (entry && !this.#stop.signal.aborted) await this.#run(entry, key).catch(() => {});
    }
    this.#workers--;
  }

  #run(entry: Entry, key: string): Promise<number> {
    this.#due.delete(key);
    if (entry.running) return entry.running;
    clearTimeout(entry.timer);
    let next = entry.duty.every;
    const nodes = this.#dht.nodes;
    const running = entry.duty.run({ signal: this.#stop.signal })
      .catch((error) => {
        next = Math.min(next, RETRY_MS);
        if (!this.#stop.signal.aborted) this.#failed(error);
        throw error;
      })
      .finally(() => {
        this.#running.delete(running);
        entry.running = undefined;
        entry.nodes = nodes;
        if (this.#entries.get(key) !== entry || this.#stop.signal.aborted) return;
        const isStale = entry.isStale;
        entry.isStale = false;
        if (isStale || hasGrown(nodes, this.#dht.nodes)) return this.#enqueue(key);
        const spread = 1 + JITTER * (2 * Math.random() - 1);
        entry.timer = setTimeout(() => this.#enqueue(key), next * spread);
        Deno.unrefTimer(entry.timer);
      });
    this.#running.add(running);
    return entry.running = running;
  }

  #onGrowth(): void {
    this.#debounce = undefined;
    const now = this.#dht.nodes;
    for (const [key, { nodes }] of this.#entries) {
      if (nodes === undefined) continue;
      if (hasGrown(nodes, now)) this.#enqueue(key);
    }
  }
}
