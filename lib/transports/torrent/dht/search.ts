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
import { placeOf } from "../../../common/ip_address.ts";
import { formatHostPort } from "../address.ts";
import { contactsIn, type Family } from "./contacts.ts";

/** So many of the closest nodes have to have answered. */
export const SEARCH_WIDTH = 20;
/** Nodes asked in one search. An honest one takes less than a hundred; liars can name others for ever. */
const MAX_ASKED = 300;
const ID_BYTES = 20;

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
  /** Which DHT is searched. */
  readonly family: Family;
  /** Where to begin; nodes without an id are asked at once. */
  readonly first: readonly Endpoint[];
  /** Asks one node. Undefined where it doesn't answer; never rejects. */
  readonly ask: (node: Endpoint) => Promise<Record<string, unknown> | undefined>;
  /** Told of each answer; returns false to end the search. */
  readonly visit: (reply: Record<string, unknown>) => boolean;
}

interface Candidate {
  readonly node: Endpoint;
  /** The address as one customer's: {@linkcode placeOf}. */
  readonly place: string;
  /** To the target, in hex; "" while the id is not known. */
  distance: string;
  state: "new" | "asked" | "answered" | "useless";
}

/**
 * Asks until the closest nodes that are there have answered.
 *
 * Of one public address (of IPv6: of 64 bits) only the first node that answers counts: one machine
 * with many ports must not surround a target.
 *
 * @returns those that answered, closest first
 */
export function search(options: SearchOptions): Promise<Found[]> {
  const { target, self, family, first, ask, visit } = options;
  const candidates = new Map<string, Candidate>();
  const places = new Set<string>();
  const found: { distance: string; node: Found }[] = [];
  const ended = Promise.withResolvers<Found[]>();
  let asked = 0;
  let running = 0;
  let stopped = false;

  const add = (node: Endpoint) => {
    const key = formatHostPort(node);
    if (candidates.has(key) || node.id?.equals(self)) return;
    const distance = node.id ? distanceOf(target, node.id) : "";
    candidates.set(key, { node, place: placeOf(node.host), distance, state: "new" });
  };

  const go = () => {
    const closest = [...candidates.values()]
      .filter(({ state, place }) => state !== "useless" && !(state === "new" && places.has(place)))
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
    if (places.has(candidate.place)) return;
    if (reachOf(host) === "public") places.add(candidate.place);
    candidate.state = "answered";
    candidate.distance = distanceOf(target, id);
    found.push({ distance: candidate.distance, node: { host, port, id, reply } });
    contactsIn(reply, family).forEach(add);
  };

  first.forEach(add);
  go();
  return ended.promise;
}

function distanceOf(target: Buffer, id: Buffer): string {
  return Buffer.from(id.map((byte, i) => byte ^ target[i]!)).toString("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
