/**
 * Nodes as they are named in messages: compact node info of BEP 5 and, for IPv6, of BEP 32.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Contact, Endpoint } from "../../../types/bittorrent_dht.d.ts";
import { compactAddress, readCompact } from "../address.ts";

/** Of IP. Each has a DHT of its own, and a node may be in both (BEP 32). */
export type Family = 4 | 6;

/** The member of a reply that names nodes. */
export const NODES = { 4: "nodes", 6: "nodes6" } as const;

/** BEP 5 has eight nodes in a reply, some clients name a few more. */
const MAX_NAMED = 20;
const ID_BYTES = 20;
const CONTACT_BYTES = { 4: ID_BYTES + 6, 6: ID_BYTES + 18 };

/** The family of an IP address. */
export function familyOf(host: string): Family {
  return host.includes(":") ? 6 : 4;
}

/** What is sent for nodes. */
export function encodeContacts(contacts: readonly Contact[]): Buffer {
  return Buffer.concat(contacts.flatMap((contact) => [contact.id, compactAddress(contact)]));
}

/** The nodes of one family that a reply names; what is malformed is left out. */
export function contactsIn(reply: Record<string, unknown>, family: Family): Endpoint[] {
  const nodes = reply[NODES[family]];
  if (!Buffer.isBuffer(nodes)) return [];
  const size = CONTACT_BYTES[family];
  const count = Math.min(MAX_NAMED, Math.floor(nodes.length / size));
  return Array.from({ length: count }, (_, i) => {
    const contact = nodes.subarray(i * size, (i + 1) * size);
    const address = readCompact(contact.subarray(ID_BYTES));
    // An IPv4 address within an IPv6 one is not for the socket of either.
    if (!address || familyOf(address.host) !== family) return undefined;
    return { id: contact.subarray(0, ID_BYTES), ...address };
  }).filter((contact) => contact !== undefined);
}

/** The families of which a query wants nodes: those that it names, else its own (BEP 32). */
export function wantedFamilies(want: unknown, own: Family): Family[] {
  if (!Array.isArray(want)) return [own];
  const names = want.slice(0, 8).map(String);
  const wanted = ([4, 6] as const).filter((family) => names.includes(`n${family}`));
  return wanted.length > 0 ? wanted : [own];
}
