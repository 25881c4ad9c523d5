/**
 * How a network does, and whether others get here by it.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";

/**
 * How others get at this node to fetch from it:
 *
 * - `open`: everybody can connect to it
 * - `mapped`: everybody can connect to a port that its router maps to it
 * - `hole-punching`: its router lets in those to whom it sends at the same time
 * - `relay`: only a relay brings others together with it
 * - `servers`: nobody has to, since servers of others keep what is published
 * - `local`: only from this machine or the same private network
 * - `outgoing-only`: nobody can
 * - `unknown`: nothing has told yet
 */
export type ReachKind =
  | "open"
  | "mapped"
  | "hole-punching"
  | "relay"
  | "servers"
  | "local"
  | "outgoing-only"
  | "unknown";

/** Whether others can fetch from this node over one network. */
export interface Reach {
  readonly how: ReachKind;
  /** Where others see this node, as far as that is known: "203.0.113.5:6881". */
  readonly address?: string;
  /** When somebody from outside last connected, in milliseconds since 1970: the strongest proof. */
  readonly connectedAt?: number;
  /** One line for a person, that follows the network's name: "by hole punching through its router". */
  readonly summary: string;
  /** Only some of all others can; the hint says what would let everybody. */
  readonly limited?: boolean;
  /** What to do, if not everybody can. */
  readonly hint?: string;
}

/** What `gtr status` and `gtr doctor` print of a network. */
export interface Health {
  /** Whether the network answers this node; whether others get here says {@linkcode HealthPort.reach}. */
  readonly reachable: boolean;
  /** One line for a person: what is wrong and what to do, or what is right. */
  readonly summary: string;
  /** What to do, where it is reachable and yet something is amiss. */
  readonly hint?: string;
  /** The network's own figures ("dht", "nodes", "listen", ...). */
  readonly details: Readonly<Record<string, string | number>>;
}

/** What `gtr status` and `gtr doctor` ask a network. */
export interface HealthPort {
  /** Whether the network is reachable, and what to do if not: asks, and waits for the answers. */
  probe(wait: Wait): Promise<Health>;
  /**
   * The same as far as it is known by now. Opens the network's sockets if they are not open yet, so
   * that this node's own address is among the details, and asks no other node.
   */
  now(wait: Wait): Promise<Health>;
  /**
   * Whether others can fetch from this node, as far as is known by now: it asks nobody. Undefined if
   * others fetch nothing from it over this network, by its nature or settings.
   */
  reach(): Reach | undefined;
  /** Waits until it has been tried to find out what {@linkcode HealthPort.reach} says. */
  measured(wait: Wait): Promise<void>;
}
