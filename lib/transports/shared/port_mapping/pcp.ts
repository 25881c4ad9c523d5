/**
 * The messages of PCP (RFC 6887) that map a port of an IPv4 host, or let connections through to one of
 * IPv6.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { ipBytes, ipText } from "../../../common/ip_address.ts";

const VERSION = 2;
const ANNOUNCE = 0;
const MAP = 1;
/** Beside the number of the operation: it is an answer. */
const ANSWER = 0x80;
const HEADER_BYTES = 24;
const MAP_BYTES = 60;
const MAX_BYTES = 1100;
/** Numbers of IANA. */
const PROTOCOLS = { tcp: 6, udp: 17 } as const;
/** An IPv4 address in one of IPv6 (section 5). */
const MAPPED_PREFIX = Buffer.from("00000000000000000000ffff", "hex");

/** Section 7.4. */
const RESULTS: Readonly<Record<number, string>> = {
  1: "the router speaks another version",
  2: "the router doesn't allow it",
  3: "the router can't read the request",
  4: "the router maps no ports",
  7: "the router is not connected",
  8: "the router has no port left",
  9: "the router doesn't map this protocol",
  10: "the router maps no more ports for this computer",
  12: "another router is between this computer and the one that answers",
};

/** What a router answered. */
export type PcpAnswer =
  & {
    /** Seconds since it began to count, which it does anew after a restart. */
    readonly epoch: number;
  }
  & (
    | { readonly kind: "refused"; readonly why: string }
    | { readonly kind: "announced" }
    | {
      readonly kind: "mapping";
      readonly nonce: Uint8Array;
      readonly protocol: "tcp" | "udp";
      readonly inside: number;
      readonly host: string;
      readonly outside: number;
      readonly seconds: number;
    }
  );

/** A request for a mapping; for 0 seconds, to forget it (sections 7.1 and 11.1). */
export function encodeMapRequest(
  { client, nonce, protocol, inside, outside, seconds }: {
    /** This computer's address. */
    readonly client: string;
    /** 12 bytes. */
    readonly nonce: Uint8Array;
    readonly protocol: "tcp" | "udp";
    readonly inside: number;
    readonly outside: number;
    readonly seconds: number;
  },
): Uint8Array {
  const message = Buffer.alloc(MAP_BYTES);
  message[0] = VERSION;
  message[1] = MAP;
  message.writeUInt32BE(seconds, 4);
  message.set(embedded(client), 8);
  message.set(nonce.subarray(0, 12), 24);
  message[36] = PROTOCOLS[protocol];
  message.writeUInt16BE(inside, 40);
  message.writeUInt16BE(outside, 42);
  if (!client.includes(":")) message.set(embedded("0.0.0.0"), 44);
  return message;
}

/** Undefined if it is no answer of a router. One of a router that only knows NAT-PMP is a refusal. */
export function decodeAnswer(bytes: Uint8Array): PcpAnswer | undefined {
  if (bytes.length < 8 || bytes.length > MAX_BYTES) return undefined;
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const operation = message[1]! - ANSWER;
  if (operation < 0) return undefined;
  if (message[0] === 0) {
    // RFC 6886, section 3.5: it doesn't know version 2.
    const isRefusal = message.readUInt16BE(2) === 1;
    return isRefusal
      ? { epoch: message.readUInt32BE(4), kind: "refused", why: RESULTS[1]! }
      : undefined;
  }
  if (message[0] !== VERSION || message.length < HEADER_BYTES || message.length % 4 !== 0) {
    return undefined;
  }
  const result = message[3]!;
  const epoch = message.readUInt32BE(8);
  if (result !== 0) return { epoch, kind: "refused", why: RESULTS[result] ?? `error ${result}` };
  if (operation === ANNOUNCE) return { epoch, kind: "announced" };
  if (operation !== MAP || message.length < MAP_BYTES) return undefined;
  const protocol = message[36] === PROTOCOLS.tcp ? "tcp" : "udp";
  if (message[36] !== PROTOCOLS[protocol]) return undefined;
  const isIPv4 = message.subarray(44, 56).equals(MAPPED_PREFIX);
  return {
    epoch,
    kind: "mapping",
    nonce: Uint8Array.from(message.subarray(24, 36)),
    protocol,
    inside: message.readUInt16BE(40),
    host: isIPv4 ? message.subarray(56, 60).join(".") : ipText(message.subarray(44, 60)),
    outside: message.readUInt16BE(42),
    seconds: message.readUInt32BE(4),
  };
}

function embedded(host: string): Uint8Array {
  return host.includes(":") ? ipBytes(host) : Buffer.concat([MAPPED_PREFIX, ipBytes(host)]);
}
