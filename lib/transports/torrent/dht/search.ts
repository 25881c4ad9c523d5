/**
 * Kademlia's search: asking ever closer nodes, some of which lie. Pure: how a node is asked is the
 * caller's business.
 *
 * Nodes are told of by strangers, so nothing said of a node counts before it answers itself: what
 * doesn't answer stands in nobody's way, and an id is the one that its owner gives.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { reachOf } from "../../../common/reach.ts";
import type { Endpoint } from "../../../types/bittorrent_dht.d.ts";
import { formatHostPort } from "../address.ts";

/** So many of the closest nodes have to have answered. */
export const SEARCH_WIDTH = 20;
/** Nodes asked in one search. An honest one takes less than a hundred; liars can name others for ever. */
const MAX_ASKED = 300;
/** BEP 5 has eight nodes in a reply, some clients name a few more. */
const MAX_NAMED = 20;
const ID_BYTES = 20;
/** Id, IPv4 address and port. */
const CONTACT_BYTES = ID_BYTES + 6;

/** A node that answered. */
export interface Found extends Endpoint {
  readonly id: Buffer;
  readonly reply: Record<string, unknown>;
}

/** What a search needs to know, and whom it tells. */
export interface SearchOptions {
  readonly target: Buffer;
  /** This node's own id. */
  readonly self: Buffer;
  /** Where to begin; nodes without an id are asked at once. */
  readonly first: readonly Endpoint[];
  /** Asks one node. Undefined where it doesn't answer; never rejects. */
  readonly ask: (node: Endpoint) => Promise<Record<string, unknown> | undefined>;
  /** Told of each answer; returns false to end the search. */
  readonly visit: (reply: Record<string, unknown>) => boolean;
}

interface Candidate {
  readonly node: Endpoint;
  /** To the target, in hex; "" while the id is not known. */
  distance: string;
  state: "new" | "asked" | "answered" | "useless";
}

/**
 * Asks until the closest nodes that are there have answered.
 *
 * Of one public address only the first node that answers counts: one machine with many ports must
 * not surround a target.
 *
 * @returns those that answered, closest first
 */
export function search(options: SearchOptions): Promise<Found[]> {
  const { target, self, first, ask, visit } = options;
  const candidates = new Map<string, Candidate>();
  const hosts = new Set<string>();
  const found: { distance: string; node: Found }[] = [];
  const ended = Promise.withResolvers<Found[]>();
  let asked = 0;
  let running = 0;
  let stopped = false;

  const add = (node: Endpoint) => {
    const key = formatHostPort(node);
    if (candidates.has(key) || node.id?.equals(self)) return;
    const distance = node.id ? distanceOf(target, node.id) : "";
    candidates.set(key, { node, distance, state: "new" });
  };

  const go = () => {
    const closest = [...candidates.values()]
      .filter(({ state, node }) =>
        state !== "useless" && !(state === "new" && hosts.has(node.host))
      )
      .sort((a, b) => compare(a.distance, b.distance))
      .slice(0, SEARCH_WIDTH);
    for (const candidate of closest) {
      if (stopped || asked >= MAX_ASKED) break;
      if (candidate.state === "new") askOne(candidate).catch(ended.reject);
    }
    if (stopped || running === 0) {
      ended.resolve(
        found.sort((a, b) => compare(a.distance, b.distance)).map(({ node }) => node),
      );
    }
  };

  const askOne = async (candidate: Candidate) => {
    candidate.state = "asked";
    asked++;
    running++;
    const reply = await ask(candidate.node);
    running--;
    candidate.state = "useless";
    if (reply && !stopped) {
      take(candidate, reply);
      if (!visit(reply)) stopped = true;
    }
    go();
  };

  const take = (candidate: Candidate, reply: Record<string, unknown>) => {
    const { host, port } = candidate.node;
    const { id } = reply;
    if (!Buffer.isBuffer(id) || id.length !== ID_BYTES || id.equals(self)) return;
    if (hosts.has(host)) return;
    if (reachOf(host) === "public") hosts.add(host);
    candidate.state = "answered";
    candidate.distance = distanceOf(target, id);
    found.push({ distance: candidate.distance, node: { host, port, id, reply } });
    contactsIn(reply.nodes).forEach(add);
  };

  first.forEach(add);
  go();
  return ended.promise;
}

/** Compact node info of BEP 5. */
function contactsIn(nodes: unknown): Endpoint[] {
  if (!Buffer.isBuffer(nodes)) return [];
  const count = Math.min(MAX_NAMED, Math.floor(nodes.length / CONTACT_BYTES));
  return Array.from({ length: count }, (_, i) => {
    const contact = nodes.subarray(i * CONTACT_BYTES, (i + 1) * CONTACT_BYTES);
    return {
      id: contact.subarray(0, ID_BYTES),
      host: contact.subarray(ID_BYTES, ID_BYTES + 4).join("."),
      port: contact.readUInt16BE(ID_BYTES + 4),
    };
  }).filter(({ port }) => port > 0);
}

function distanceOf(target: Buffer, id: Buffer): string {
  return Buffer.from(id.map((byte, i) => byte ^ target[i]!)).toString("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
