/**
 * What gtd says of itself in a local network: DNS-SD records (RFC 6763) over multicast DNS
 * (RFC 6762). They name a port and a key that is new at every start, and nothing else.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Answer, Packet } from "../../../types/multicast_dns.d.ts";

/** The service. */
export const SERVICE = "_gtr._udp.local";
/** Seconds that records hold. */
export const TTL_SECONDS = 120;
/** Records of one packet that are looked at. */
const MAX_RECORDS = 64;

/** What a packet says of a gtd. Where it is, the packet's sender says. */
export interface Presence {
  readonly port: number;
  /** 64 hex digits. */
  readonly key: string;
}

/** The packet that says that one is here; with a TTL of 0: that it goes. */
export function presencePacket({ port, key }: Presence, ttl = TTL_SECONDS): Packet {
  const name = `${key.slice(0, 16)}.${SERVICE}`;
  const target = `${key.slice(0, 16)}.local`;
  return {
    answers: [{ name: SERVICE, type: "PTR", ttl, data: name }],
    additionals: [
      { name, type: "SRV", ttl, data: { port, target, priority: 0, weight: 0 } },
      { name, type: "TXT", ttl, data: [Buffer.from(`k=${key}`)] },
    ],
  };
}

/** Whether the packet asks for us. */
export function asksForUs({ questions = [] }: Packet): boolean {
  return questions.slice(0, MAX_RECORDS).some(({ name, type }) =>
    typeof name === "string" && name.toLowerCase() === SERVICE && (type === "PTR" || type === "ANY")
  );
}

/** What an answer says of one gtd; undefined: nothing, or nothing that is whole. */
export function readPresence(packet: Packet): (Presence & { readonly gone: boolean }) | undefined {
  const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, MAX_RECORDS);
  const ours = (record: Answer, type: string) =>
    record.type === type && typeof record.name === "string" &&
    record.name.toLowerCase().endsWith(`.${SERVICE}`);
  const place = records.find((record) => ours(record, "SRV"));
  const text = records.find((record) => ours(record, "TXT") && record.name === place?.name);
  const port = portOf(place?.data);
  const key = keyOf(text?.data);
  if (port === undefined || key === undefined) return undefined;
  return { port, key, gone: text?.ttl === 0 };
}

function portOf(data: unknown): number | undefined {
  const port = typeof data === "object" && data && "port" in data ? data.port : undefined;
  return typeof port === "number" && port > 0 && port < 65_536 ? port : undefined;
}

function keyOf(data: unknown): string | undefined {
  const all = Array.isArray(data) ? data : [data];
  for (const part of all.slice(0, MAX_RECORDS)) {
    const found = part instanceof Uint8Array || typeof part === "string"
      ? /^k=([0-9a-f]{64})$/.exec(String(part instanceof Uint8Array ? Buffer.from(part) : part))
      : null;
    if (found) return found[1];
  }
  return undefined;
}
