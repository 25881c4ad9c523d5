/**
 * IP addresses as text and as bytes.
 *
 * @module
 */
import { isIP } from "node:net";

/** The prefix of an IPv4 address within IPv6 (RFC 4291, 2.5.5.2). */
const MAPPED = "::ffff:";

/** 4, 6, or 0 where it isn't an address. */
export function family(host: string): 0 | 4 | 6 {
  return isIP(host) as 0 | 4 | 6;
}

/** Whether it is this machine's own. */
export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || host === "::1";
}

/** An address as a socket of both families wants it: IPv4 within IPv6. */
export function mapped(host: string): string {
  return host.includes(":") ? host : MAPPED + host;
}

/** The opposite of {@linkcode mapped}; other addresses stay. */
export function unmapped(host: string): string {
  return host.startsWith(MAPPED) && host.includes(".") ? host.slice(MAPPED.length) : host;
}

/** The 4 or 16 bytes of an address for which {@linkcode family} isn't 0. A zone is left out. */
export function addressBytes(host: string): Uint8Array {
  if (!host.includes(":")) return Uint8Array.from(host.split("."), Number);
  const text = host.split("%")[0]!.replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_, a, b, c, d) => `${((+a << 8) | +b).toString(16)}:${((+c << 8) | +d).toString(16)}`,
  );
  const [head = "", tail] = text.split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":").map((g) => parseInt(g, 16));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...new Array(8 - front.length - back.length).fill(0), ...back];
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 255]));
}

/** The text of 4 bytes, or of 16 (RFC 5952; IPv4 within IPv6 as IPv4). */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.subarray(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255) {
    return bytes.subarray(12).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  let best = { start: 0, length: 1 }; // a single zero isn't shortened
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.length === 1) return hex.join(":");
  return `${hex.slice(0, best.start).join(":")}::${hex.slice(best.start + best.length).join(":")}`;
}
