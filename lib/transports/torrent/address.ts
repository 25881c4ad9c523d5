/**
 * Where peers and nodes listen: as text, and in the compact form of the protocols.
 *
 * @module
 */
import { canonicalIp, ipBytes, ipText } from "../../common/ip_address.ts";

/** A host and a port. An IP address is in its one form, without brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** "host:port", or "[host]:port" for an IPv6 address. */
export function formatHostPort({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads "host:port" or "[IPv6 address]:port"; undefined if the text is neither. */
export function parseHostPort(text: string): Address | undefined {
  const match = /^(?:([A-Za-z0-9.-]{1,253})|\[([0-9A-Fa-f:.]{2,45})\]):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? (match ? canonicalIp(match[2]!) : undefined);
  return host !== undefined && port > 0 && port < 65536 ? { host, port } : undefined;
}

/** Reads an IP address and a port; undefined if the text is something else. */
export function parseAddress(text: string): Address | undefined {
  const address = parseHostPort(text);
  return address && canonicalIp(address.host) !== undefined ? address : undefined;
}

/** The compact form (BEP 5, 32): 6 bytes, or 18 for an IPv6 address. */
export function compactAddress({ host, port }: Address): Uint8Array {
  return Uint8Array.of(...ipBytes(host), port >> 8, port & 0xff);
}

/** The address in compact form; undefined if the bytes are not one, or the port is 0. */
export function readCompact(bytes: Uint8Array): Address | undefined {
  if (bytes.length !== 6 && bytes.length !== 18) return undefined;
  const port = (bytes.at(-2)! << 8) | bytes.at(-1)!;
  return port === 0 ? undefined : { host: ipText(bytes.subarray(0, -2)), port };
}
