/**
 * Whether others can connect to this node, by what HyperDHT knows of the router before it. Pure.
 *
 * @module
 */
import { reachOf } from "../../common/reach.ts";
import type { Reach } from "../../ports/health.ts";

/** What is known. */
export interface Evidence {
  /** The address that it listens on. */
  readonly host: string;
  /** The addresses of this machine, loopback left out. */
  readonly own: readonly string[];
  /** Whether it has been tried to join; nodes of HyperDHT that are known. */
  readonly joined: boolean;
  readonly nodes: number;
  /** A network of the user's own begins here. */
  readonly isFirst: boolean;
  /** It is found in the local network only. */
  readonly isIsolated: boolean;
  /** Nodes that have said where they see this one. */
  readonly voices: number;
  /** Where most see it: undefined if they don't agree; port 0 if each sees another one. */
  readonly seenAt: { readonly host: string; readonly port: number } | undefined;
  /** Nodes could not connect to its port by themselves. */
  readonly firewalled: boolean;
  /** Blind relays that the user has set. */
  readonly relays: number;
  /** A port that the router maps. */
  readonly mapped:
    | { readonly host: string; readonly port: number; readonly by: string }
    | undefined;
  /** When somebody from outside last connected, in milliseconds since 1970. */
  readonly connectedAt: number | undefined;
}

/** As many nodes have to have said where they see this one: of one alone each router looks orderly. */
const NEEDED = 2;

export function judge(evidence: Evidence): Reach {
  const { host, own, seenAt, isIsolated, firewalled, relays, mapped, connectedAt } = evidence;
  if (reachOf(host) === "machine" && host !== "0.0.0.0") {
    const hint = "let others in: gtr config holepunch.host 0.0.0.0";
    return { how: "local", summary: `only from this machine: holepunch.host is ${host}`, hint };
  }
  if (isIsolated) {
    return { how: "local", summary: "only from the local network: no node of HyperDHT answers" };
  }
  if (!seenAt || evidence.voices < NEEDED) return unseen(evidence);
  if (own.includes(seenAt.host) && reachOf(seenAt.host) === "private") {
    return { how: "local", summary: `only from the private network of ${seenAt.host}` };
  }
  const known = connectedAt === undefined ? {} : { connectedAt };
  if (!firewalled) {
    const address = `${seenAt.host}:${seenAt.port}`;
    return mapped
      ? { how: "mapped", address, summary: `${at(address)}, a port that the router maps`, ...known }
      : { how: "open", address, summary: at(address), ...known };
  }
  if (seenAt.port > 0) {
    const address = `${seenAt.host}:${seenAt.port}`;
    return {
      how: "hole-punching",
      address,
      summary: "by hole punching through the router",
      ...known,
    };
  }
  if (relays > 0) {
    const summary = "through a relay, as the router gives each connection another port";
    return { how: "relay", summary, ...known };
  }
  return {
    how: "hole-punching",
    limited: true,
    summary: "by hole punching, unless the other's router gives each connection another port, too",
    hint:
      "set a relay (gtr config holepunch.relays <its key>), or turn on UPnP or NAT-PMP in the router",
    ...known,
  };
}

/** Too few have said where they see this node. */
function unseen({ joined, nodes, isFirst, connectedAt }: Evidence): Reach {
  if (connectedAt !== undefined) {
    return {
      how: "hole-punching",
      summary: "by hole punching, as somebody has shown",
      connectedAt,
    };
  }
  if (joined && nodes === 0 && !isFirst) {
    return {
      how: "outgoing-only",
      summary: "nobody can find you: no node of HyperDHT answers",
      hint: "let UDP out through the firewall, and check holepunch.bootstrap",
    };
  }
  return { how: "unknown", summary: "too few nodes of HyperDHT have said where they see you" };
}

function at(address: string): string {
  return `from outside at ${address}`;
}
