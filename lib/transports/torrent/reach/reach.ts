/**
 * Finds out whether others can connect to this node: by those who do, by what others say of its
 * address, by the router's mapping, and by asking other gtrs of the DHT to connect.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { placeOf } from "../../../common/ip_address.ts";
import { abortable, deadline, sleep, type Wait } from "../../../common/wait.ts";
import type { Outside, PortMapping } from "../../shared/port_mapping/mod.ts";
import type { Reach } from "../../../ports/health.ts";
import type { NetworkContext } from "../../../ports/network.ts";
import type { Address } from "../address.ts";
import { familyOf } from "../dht/contacts.ts";
import type { Dht } from "../dht/dht.ts";
import { isOfGtr, seenAddress } from "../dht/extra_keys.ts";
import type { NodeHooks } from "../dht/node.ts";
import { type Arrival, Arrivals } from "./arrivals.ts";
import { judge } from "./judge.ts";
import { isOutside, type OwnNetworks, ownNetworks } from "../../shared/own_networks.ts";
import { AddressVotes } from "./votes.ts";

/** Strangers who agree on this node's address, or didn't get through to it, until they are believed. */
const NEEDED = 3;
/** How long a connection, or the lack of one, proves something. */
const FRESH_MS = 6 * 60 * 60_000;
/** Gtrs that are asked to connect at once, and how long that may take. */
const ASKED = 3;
const ASK_MS = 2_000;
const ARRIVAL_MS = 4_000;
/** Not before, whoever new is met. */
const LEAST_MS = 1_000;
/** How soon they are asked again: twice as long each time. */
const SHORTEST_MS = 15_000;
const LONGEST_MS = 30 * 60_000;
/** How long the addresses of this machine are taken for what they were. */
const OWN_MS = 5_000;
/** Gtrs that are remembered. */
const MAX_HELPERS = 32;

/** What the search for an answer works with. */
export interface ReachParts {
  readonly dht: Dht;
  readonly mapping?: PortMapping;
  /** Of the TCP port, for IPv6. */
  readonly pinholes?: readonly PortMapping[];
}

/** What is known of one port. */
export class TorrentReach implements Disposable {
  readonly #settings: NetworkContext["settings"];
  /** Who takes part is known: strangers don't. */
  readonly #closed: boolean;
  /** What those outside say of this node's address, and what neighbours do. */
  readonly #votes: AddressVotes;
  readonly #nearVotes: AddressVotes;
  readonly #arrivals = new Arrivals();
  /** Groups whose helpers did not get through -> when, in milliseconds since 1970. */
  readonly #refusals = new Map<string, number>();
  /** Other gtrs of the DHT, by group. */
  readonly #helpers = new Map<string, Address>();
  readonly #stop = new AbortController();
  #wake = Promise.withResolvers<void>();
  /** Settles once it has been tried to find out. */
  readonly #tried = Promise.withResolvers<void>();
  #parts: ReachParts | undefined;
  #isJoined = false;
  #known: { readonly networks: OwnNetworks; readonly at: number } | undefined;
  /** Told of each connection. */
  readonly #expecting = new Set<(host: string) => void>();

  constructor({ settings }: Pick<NetworkContext, "settings">) {
    this.#settings = settings;
    this.#closed = settings.get("torrent.bootstrap") !== undefined;
    const options = { groupOf: (host: string) => this.#groupOf(host), needed: this.#needed };
    this.#votes = new AddressVotes(options);
    this.#nearVotes = new AddressVotes(options);
  }

  /** Somebody has connected. */
  arrived(host: string): void {
    this.#arrivals.arrived(host);
    for (const expect of this.#expecting) expect(host);
  }

  /** A node of the DHT has answered. */
  readonly answered: NonNullable<NodeHooks["answered"]> = (from, reply) => {
    this.seen(from.host, seenAddress(reply));
    if (!isOfGtr(reply)) return;
    const group = this.#groupOf(from.host);
    const isNew = !this.#helpers.has(group);
    this.#helpers.set(group, { host: from.host, port: from.port });
    if (this.#helpers.size > MAX_HELPERS) {
      this.#helpers.delete(this.#helpers.keys().next().value!);
    }
    if (isNew) this.#wake.resolve();
  };

  /** Somebody says at which address, of 4 or 16 bytes, it sees this node. */
  seen(from: string, address: unknown): void {
    const isFar = isOutside(from, this.#own, this.#closed);
    (isFar ? this.#votes : this.#nearVotes).heard(from, address);
  }

  /** Begins to find out. */
  begin(parts: ReachParts): void {
    this.#parts = parts;
    let before: Outside | undefined;
    parts.mapping?.onChange(() => {
      const now = parts.mapping?.outside;
      if (now?.host === before?.host && now?.port === before?.port) return;
      before = now;
      this.#refusals.clear(); // they were at another port, or there was none
      this.#wake.resolve();
    });
    void this.#search(parts, this.#stop.signal).catch(() => {}); // ends with its signal
  }

  /** What is known now. */
  now(): Reach {
    const host = this.#settings.get("torrent.host");
    const mapped = this.#parts?.mapping;
    const { outside, problem } = mapped ?? {};
    const isMappingKnown = !this.#settings.get("network.portMapping") || outside || problem;
    const arrival = this.#arrival(4);
    return judge({
      host,
      port: this.#parts?.dht.port ?? 0,
      isPortChosen: this.#settings.get("torrent.port") !== 0,
      own: this.#own.addresses,
      isAlone: this.#isAlone,
      seenAt: this.#votes.address(4) ?? this.#nearVotes.address(4),
      mapping: isMappingKnown ? { outside, problem } : undefined,
      pinhole: this.#parts?.pinholes?.find(({ outside }) => outside)?.outside,
      arrival,
      arrival6: this.#arrival(6),
      refusedAt: this.#refusedAt(arrival),
    });
  }

  /** Waits until it has been tried to find out. */
  async measured({ signal }: Wait): Promise<void> {
    await abortable(this.#tried.promise, signal);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #search({ dht }: ReachParts, signal: AbortSignal): Promise<void> {
    await dht.ready({ signal });
    this.#isJoined = true;
    for (let pause = SHORTEST_MS;; pause = Math.min(LONGEST_MS, pause * 2)) {
      this.#wake = Promise.withResolvers();
      await this.#ask(dht, signal);
      this.#tried.resolve();
      using limit = deadline(pause, "a reason to ask again", signal);
      const isWoken = await abortable(this.#wake.promise, limit.signal).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (isWoken) {
        await sleep(LEAST_MS, signal);
        pause = SHORTEST_MS / 2;
      }
    }
  }

  /** Asks gtrs that are outside to connect, unless somebody has just done so by himself. */
  async #ask(dht: Dht, signal: AbortSignal): Promise<void> {
    const asked = ([4, 6] as const).flatMap((family) => {
      const last = this.#arrival(family);
      if (last && Date.now() - last.at < LONGEST_MS) return [];
      const helpers = [...this.#helpers.values()]
        .filter(({ host }) => familyOf(host) === family && this.#isOutside(host));
      return shuffled(helpers).slice(0, ASKED);
    });
    await Promise.all(asked.map((to) => this.#askOne(dht, to, signal)));
  }

  /** What it promises is not believed: it has to arrive. That it doesn't counts as one voice. */
  async #askOne(dht: Dht, to: Address, signal: AbortSignal): Promise<void> {
    using asking = deadline(ASK_MS, "a gtr's answer", signal);
    const family = familyOf(to.host);
    const came = Promise.withResolvers<void>();
    // From another of its addresses will do, and so will somebody else.
    const expect = (host: string) => {
      if (familyOf(host) === family && this.#isOutside(host)) came.resolve();
    };
    this.#expecting.add(expect);
    try {
      const mapped = family === 4 ? this.#parts?.mapping?.outside?.port : undefined;
      if (!await dht.askToDial(to, mapped ?? dht.port, asking).catch(() => false)) return;
      if (family === 6) return; // only that somebody comes is told of IPv6
      using limit = deadline(ARRIVAL_MS, "its connection", signal);
      const arrived = await abortable(came.promise, limit.signal).then(() => true, () => false);
      if (!arrived && !signal.aborted) this.#refused(this.#groupOf(to.host));
    } finally {
      this.#expecting.delete(expect);
    }
  }

  #refused(group: string): void {
    this.#refusals.delete(group);
    this.#refusals.set(group, Date.now());
    if (this.#refusals.size > MAX_HELPERS) {
      this.#refusals.delete(this.#refusals.keys().next().value!);
    }
  }

  /** The latest connection from outside that still proves something. */
  #arrival(family: 4 | 6): Arrival | undefined {
    const last = this.#arrivals.latest((host) =>
      familyOf(host) === family && this.#isOutside(host)
    );
    return last && Date.now() - last.at < FRESH_MS ? last : undefined;
  }

  /** When the last of enough voices did not get through, if nobody has since. */
  #refusedAt(arrival: Arrival | undefined): number | undefined {
    const since = Math.max(arrival?.at ?? 0, Date.now() - FRESH_MS);
    const fresh = [...this.#refusals.values()].filter((at) => at > since);
    return fresh.length >= this.#needed ? Math.max(...fresh) : undefined;
  }

  #isOutside(host: string): boolean {
    return host !== this.#votes.address(4) && isOutside(host, this.#own, this.#closed);
  }

  /** Asking the system takes longer than what is done with it. */
  get #own(): OwnNetworks {
    const now = performance.now();
    if (!this.#known || now - this.#known.at > OWN_MS) {
      this.#known = { networks: ownNetworks(), at: now };
    }
    return this.#known.networks;
  }

  get #isAlone(): boolean {
    const dht = this.#parts?.dht;
    return this.#isJoined && dht?.nodes === 0 && dht.bootstrap.length > 0;
  }

  get #needed(): number {
    return this.#closed ? 1 : NEEDED;
  }

  /** One provider's addresses are one voice: it is cheap to have many of them. */
  #groupOf(host: string): string {
    if (this.#closed) return placeOf(host);
    return isIPv4(host) ? host.split(".", 2).join(".") : host.split(":", 2).join(":");
  }
}

function shuffled<T>(items: readonly T[]): T[] {
  return items.map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
