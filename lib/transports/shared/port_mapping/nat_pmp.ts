/**
 * The messages of NAT-PMP (RFC 6886).
 *
 * @module
 */
import { Buffer } from "node:buffer";

const VERSION = 0;
const ADDRESS = 0;
const OPERATIONS = { udp: 1, tcp: 2 } as const;
/** Beside the number of the operation: it is an answer. */
const ANSWER = 0x80;
const ADDRESS_BYTES = 12;
const MAPPING_BYTES = 16;

/** Section 3.5. */
const RESULTS: Readonly<Record<number, string>> = {
  1: "the router speaks another version",
  2: "the router's owner has switched it off",
  3: "the router is not connected",
  4: "the router has no port left",
  5: "the router doesn't know the request",
};

/** What a router answered. */
export type PmpAnswer =
  & {
    /** Seconds since it began to count, which it does anew after a restart. */
    readonly epoch: number;
  }
  & (
    | { readonly kind: "refused"; readonly why: string }
    | { readonly kind: "address"; readonly host: string }
    | {
      readonly kind: "mapping";
      readonly protocol: "tcp" | "udp";
      readonly inside: number;
      readonly outside: number;
      readonly seconds: number;
    }
  );

/** Asks for the router's address outside (section 3.2). */
export function encodeAddressRequest(): Uint8Array {
  return Uint8Array.of(VERSION, ADDRESS);
}

/** Asks for a mapping, or, for 0 seconds, to forget it (sections 3.3 and 3.4). */
export function encodeMappingRequest(
  { protocol, inside, outside, seconds }: {
    readonly protocol: "tcp" | "udp";
    readonly inside: number;
    readonly outside: number;
    readonly seconds: number;
  },
): Uint8Array {
  const message = Buffer.alloc(12);
  message[0] = VERSION;
  message[1] = OPERATIONS[protocol];
  message.writeUInt16BE(inside, 4);
  message.writeUInt16BE(outside, 6);
  message.writeUInt32BE(seconds, 8);
  return message;
}

/** Undefined if it is no answer of a router. */
export function decodeAnswer(bytes: Uint8Array): PmpAnswer | undefined {
  if (bytes.length < 8 || bytes.length > 1100 || bytes[0] !== VERSION) return undefined;
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const operation = message[1]! - ANSWER;
  const result = message.readUInt16BE(2);
  const epoch = message.readUInt32BE(4);
  if (operation < 0) return undefined;
  if (result !== 0) return { epoch, kind: "refused", why: RESULTS[result] ?? `error ${result}` };
  if (operation === ADDRESS) {
    if (message.length !== ADDRESS_BYTES) return undefined;
    return { epoch, kind: "address", host: message.subarray(8, 12).join(".") };
  }
  const protocol = operation === OPERATIONS.udp ? "udp" : "tcp";
  if (operation !== OPERATIONS[protocol] || message.length !== MAPPING_BYTES) return undefined;
  return {
    epoch,
    kind: "mapping",
    protocol,
    inside: message.readUInt16BE(8),
    outside: message.readUInt16BE(10),
    seconds: message.readUInt32BE(12),
  };
}
