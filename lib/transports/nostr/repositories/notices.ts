/**
 * Hearing of publications when relays do.
 *
 * Relays allow a connection few subscriptions, often 20, and some end the oldest without a word. So
 * what is watched shares them: each asks for many repositories.
 *
 * @module
 */
import type { Manifest } from "../../../manifest/types.ts";
import { type NostrEvent, tagValue } from "../events/event.ts";
import { STATE } from "../events/kinds.ts";
import { mayAsk } from "../may_ask.ts";
import type { Filter } from "../relays/filter.ts";
import type { Relays } from "../relays/relays.ts";
import { distinctUrls, relayUrl } from "../urls.ts";
import { readNostrEndpoints } from "./binding.ts";

/** Tells the sequence number without the manifest, for those who only wait for a newer one. */
export const SEQUENCE_TAG = "gtr-sequence";

type Listener = (sequence: number) => void;

/** A repository's states by one Nostr key. */
interface Watched {
  readonly pubkey: string;
  readonly name: string;
  readonly listeners: Set<Listener>;
  /** The newest publication that a relay has told of. */
  newest: number;
}

const MAX_RELAYS = 8;
/** Keys and names in one filter: it also fits other repositories of those keys with those names. */
const PER_FILTER = 10;
/** Filters in one subscription: what is generally allowed. */
const FILTERS = 10;
/** Milliseconds in which changes are collected: gtd begins to watch all that it follows at once. */
const SETTLE_MS = 100;

/** All that is watched. */
export class Notices implements Disposable {
  readonly #watched = new Map<string, Watched>();
  /** By relay. */
  readonly #groups = new Map<string, Group[]>();

  /** @param own the relays that the user set */
  constructor(readonly relays: Relays, readonly own: readonly string[]) {}

  /** Watches the states of a repository by the Nostr keys that its manifest names, until disposed. */
  watch({ name, endpoints }: Manifest, listener: Listener): Disposable {
    const named = readNostrEndpoints(endpoints.nostr);
    const theirs = [...named.values()].flat().filter((url) => mayAsk(url, this.own));
    const urls = distinctUrls([...this.own, ...theirs], relayUrl, MAX_RELAYS);
    const stack = new DisposableStack();
    const tell: Listener = (sequence) => listener(sequence); // another for each call
    for (const pubkey of named.keys()) {
      stack.use(this.#listen(pubkey, name, tell));
      for (const url of urls) stack.use(this.#ask(url, pubkey, name));
    }
    return stack;
  }

  [Symbol.dispose](): void {
    for (const group of [...this.#groups.values()].flat()) group[Symbol.dispose]();
    this.#groups.clear();
  }

  #listen(pubkey: string, name: string, listener: Listener): Disposable {
    const key = keyOf(pubkey, name);
    const watched = this.#watched.get(key) ?? { pubkey, name, listeners: new Set(), newest: 0 };
    this.#watched.set(key, watched);
    watched.listeners.add(listener);
    // Relays tell what they have stored only once.
    if (watched.newest > 0) {
      queueMicrotask(() => watched.listeners.has(listener) && listener(watched.newest));
    }
    return {
      [Symbol.dispose]: () => {
        watched.listeners.delete(listener);
        if (watched.listeners.size === 0) this.#watched.delete(key);
      },
    };
  }

  #ask(url: string, pubkey: string, name: string): Disposable {
    const groups = this.#groups.get(url) ?? [];
    this.#groups.set(url, groups);
    const key = keyOf(pubkey, name);
    let group = groups.find((one) => one.has(key)) ?? groups.find((one) => one.hasRoom);
    if (group === undefined) {
      group = new Group(this.relays, url, (event) => this.#hear(event));
      groups.push(group);
    }
    const use = group.add(key, { pubkey, name });
    return {
      [Symbol.dispose]: () => {
        use[Symbol.dispose]();
        if (!group.isEmpty) return;
        group[Symbol.dispose]();
        groups.splice(groups.indexOf(group), 1);
        if (groups.length === 0) this.#groups.delete(url);
      },
    };
  }

  #hear(event: NostrEvent): void {
    const watched = this.#watched.get(keyOf(event.pubkey, tagValue(event, "d") ?? ""));
    const sequence = Number(/^\d{1,15}$/.exec(tagValue(event, SEQUENCE_TAG) ?? "")?.[0]);
    if (!watched || !(sequence > watched.newest)) return;
    watched.newest = sequence;
    for (const listener of watched.listeners) listener(sequence);
  }
}

/** What is asked of one relay in one subscription. */
class Group implements Disposable {
  /** How often each is in use. */
  readonly #pairs = new Map<string, Pair & { uses: number }>();
  #subscription: Disposable | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly relays: Relays,
    readonly url: string,
    readonly listener: (event: NostrEvent) => void,
  ) {}

  get hasRoom(): boolean {
    return this.#pairs.size < FILTERS * PER_FILTER;
  }

  get isEmpty(): boolean {
    return this.#pairs.size === 0;
  }

  has(key: string): boolean {
    return this.#pairs.has(key);
  }

  /** From now on asks for it too. What is no longer used is left out with the next change. */
  add(key: string, pair: Pair): Disposable {
    const used = this.#pairs.get(key) ?? { ...pair, uses: 0 };
    if (used.uses++ === 0) {
      this.#pairs.set(key, used);
      this.#timer ??= setTimeout(() => this.#subscribe(), SETTLE_MS);
    }
    return {
      [Symbol.dispose]: () => {
        if (--used.uses === 0) this.#pairs.delete(key);
      },
    };
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#subscription?.[Symbol.dispose]();
  }

  /**
   * Nothing is lost between the two: a relay that is asked anew tells the newest state of each first.
   * The former subscription ends before, for it counts too.
   */
  #subscribe(): void {
    this.#timer = undefined;
    this.#subscription?.[Symbol.dispose]();
    const filters = filtersOf([...this.#pairs.values()]);
    this.#subscription = this.relays.subscribe([this.url], filters, this.listener);
  }
}

interface Pair {
  readonly pubkey: string;
  readonly name: string;
}

/** Those of one key together: then a filter fits little else. */
function filtersOf(pairs: readonly Pair[]): Filter[] {
  const sorted = pairs.toSorted((a, b) => a.pubkey < b.pubkey ? -1 : a.pubkey > b.pubkey ? 1 : 0);
  const filters: Filter[] = [];
  for (let i = 0; i < sorted.length; i += PER_FILTER) {
    const some = sorted.slice(i, i + PER_FILTER);
    filters.push({
      kinds: [STATE],
      authors: [...new Set(some.map(({ pubkey }) => pubkey))],
      "#d": [...new Set(some.map(({ name }) => name))],
    });
  }
  return filters;
}

function keyOf(pubkey: string, name: string): string {
  return `${pubkey} ${name}`;
}
