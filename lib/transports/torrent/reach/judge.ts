/**
 * Whether others can connect to this node, by what is known. Pure.
 *
 * @module
 */
import { reachOf } from "../../../common/reach.ts";
import type { Outside } from "../../shared/port_mapping/mod.ts";
import type { Reach } from "../../../ports/health.ts";
import { formatHostPort } from "../address.ts";
import type { Arrival } from "./arrivals.ts";

/** What is known. */
export interface Evidence {
  /** The address that it listens on, and the port. */
  readonly host: string;
  readonly port: number;
  /** The port was chosen, so a router may be set to forward it. */
  readonly isPortChosen: boolean;
  /** The addresses of this machine, loopback left out. */
  readonly own: readonly string[];
  /** Where others see it; undefined if too few have said so. */
  readonly seenAt: string | undefined;
  /** It has been tried to join the DHT, and no node of it answers. */
  readonly isAlone: boolean;
  /** The router's mapping of the port; undefined if it has not been asked, or hasn't answered yet. */
  readonly mapping: { readonly outside?: Outside; readonly problem?: string } | undefined;
  /** Where the router's firewall lets connections over IPv6 through. */
  readonly pinhole: Outside | undefined;
  /** The latest connection from outside over IPv4. */
  readonly arrival: Arrival | undefined;
  /** And over IPv6, which no router translates. */
  readonly arrival6: Arrival | undefined;
  /** When those who were asked to connect last didn't get through, in milliseconds since 1970. */
  readonly refusedAt: number | undefined;
}

/** What connections from outside, or their absence, say; then what addresses and the router do. */
export function judge(evidence: Evidence): Reach {
  const { host, own, seenAt, arrival, refusedAt = -Infinity } = evidence;
  if (reachOf(host) === "machine" && host !== "0.0.0.0" && host !== "::") {
    const hint = "let others in: gtr config torrent.host ::";
    return { how: "local", summary: `only from this machine: torrent.host is ${host}`, hint };
  }
  if (seenAt !== undefined && own.includes(seenAt) && reachOf(seenAt) === "private") {
    return { how: "local", summary: `only from the private network of ${seenAt}` };
  }
  if (arrival && arrival.at > refusedAt) return reached(evidence, arrival);
  const other = refusedAt > 0 ? refused(evidence) : supposed(evidence);
  if (other.how === "mapped") return other;
  if (evidence.arrival6) return reachedOver6(evidence, evidence.arrival6, other);
  return evidence.pinhole ? byPinhole(evidence.pinhole, other) : other;
}

/** Those who have IPv6 are let through; how it is for others is another matter. */
function byPinhole({ by, ...there }: Outside, { how, hint }: Reach): Reach {
  const address = formatHostPort(there);
  const limited = how === "outgoing-only";
  return {
    how: "mapped",
    address,
    summary: `from outside over IPv6${limited ? " only" : ""} at ${address}, by a pinhole (${by})`,
    ...(limited ? { limited } : {}),
    ...(limited && hint !== undefined ? { hint } : {}),
  };
}

/** Somebody has connected over IPv6; over IPv4 it may be otherwise. */
function reachedOver6({ own, port, pinhole }: Evidence, { at }: Arrival, over4: Reach): Reach {
  if (pinhole) return { ...byPinhole(pinhole, over4), connectedAt: at };
  const host = own.find((one) => one.includes(":") && reachOf(one) === "public");
  const address = host === undefined ? {} : { address: formatHostPort({ host, port }) };
  const where = address.address === undefined ? "" : ` at ${address.address}`;
  if (over4.how !== "outgoing-only") {
    return { how: "open", summary: `from outside over IPv6${where}`, connectedAt: at, ...address };
  }
  return {
    how: "open",
    limited: true,
    summary: `from outside over IPv6 only${where}`,
    connectedAt: at,
    ...address,
    ...(over4.hint === undefined ? {} : { hint: over4.hint }),
  };
}

/** Somebody has connected. */
function reached({ own, port, seenAt, mapping }: Evidence, { at }: Arrival): Reach {
  const outside = mapping?.outside;
  if (outside) {
    const there = { ...outside, host: seenAt ?? outside.host }; // the outermost router's
    const address = formatHostPort(there);
    return { how: "mapped", address, connectedAt: at, summary: byMapping(there) };
  }
  const address = seenAt === undefined ? undefined : formatHostPort({ host: seenAt, port });
  const where = address === undefined ? "" : ` at ${address}`;
  const known = { connectedAt: at, ...(address && { address }) };
  return seenAt === undefined || own.includes(seenAt)
    ? { how: "open", summary: `from outside${where}`, ...known }
    : { how: "mapped", summary: `from outside${where}, a port that the router forwards`, ...known };
}

/** Others were asked to connect, and didn't get through. */
function refused({ own, port, seenAt, mapping }: Evidence): Reach {
  const { outside, problem } = mapping ?? {};
  const known = seenAt === undefined ? {} : { address: formatHostPort({ host: seenAt, port }) };
  if (outside) {
    const why = problem ?? "something else keeps connections out";
    return {
      how: "outgoing-only",
      summary: `not from outside, although the router maps port ${outside.port}: ${why}`,
      hint:
        `let TCP port ${port} through the firewall of this machine, and through a second router`,
      ...known,
    };
  }
  if (seenAt !== undefined && own.includes(seenAt)) {
    return {
      how: "outgoing-only",
      summary: `not from outside: a firewall keeps connections to port ${port} out`,
      hint: `let TCP and UDP port ${port} through the firewall`,
      ...known,
    };
  }
  const router = seenAt === undefined ? "the router" : `the router at ${seenAt}`;
  const summary = `not from outside: ${router} lets no connection in`;
  return { how: "outgoing-only", summary, hint: forward(port, problem), ...known };
}

const ALONE: Reach = {
  how: "outgoing-only",
  summary: "nobody can find you: no node of the DHT answers",
  hint: "let UDP out through the firewall, and check torrent.bootstrap",
};

/** Nobody has tried yet, as far as is known. */
function supposed(evidence: Evidence): Reach {
  const { own, port, seenAt, mapping, isPortChosen } = evidence;
  const { outside, problem } = mapping ?? {};
  if (outside && problem === undefined) {
    return { how: "mapped", address: formatHostPort(outside), summary: byMapping(outside) };
  }
  if (seenAt === undefined) {
    if (evidence.isAlone) return ALONE;
    return { how: "unknown", summary: "nobody outside has connected, or said where it sees you" };
  }
  const address = formatHostPort({ host: seenAt, port });
  if (outside) {
    return {
      how: "outgoing-only",
      address,
      summary: `not from outside: ${problem}`,
      hint: forward(port),
    };
  }
  if (own.includes(seenAt)) {
    return {
      how: "unknown",
      address,
      summary: `nobody outside has tried to connect to ${address}`,
    };
  }
  if (isPortChosen || mapping === undefined) {
    const summary = `nobody outside has tried to connect, through the router at ${seenAt}`;
    return { how: "unknown", address, summary };
  }
  const summary = `not from outside: the router at ${seenAt} maps no port to this machine`;
  return { how: "outgoing-only", address, summary, hint: forward(port, problem) };
}

function byMapping({ by, ...outside }: Outside): string {
  return `from outside at ${formatHostPort(outside)}, a port that the router maps (${by})`;
}

function forward(port: number, problem?: string): string {
  const why = problem === undefined ? "" : ` (${problem})`;
  return `turn on UPnP or NAT-PMP in the router${why}, or have it forward TCP and UDP port ${port} ` +
    `to this machine, and keep that port: gtr config torrent.port ${port}`;
}
