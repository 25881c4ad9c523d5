/**
 * Hosts and ports of servers.
 *
 * @module
 */
import { isIPv6 } from "node:net";
import type { Reach } from "../../common/reach.ts";

/** A server. */
export interface Endpoint {
  /** A name, an IPv4 address, or an IPv6 address without its brackets. Lower-case. */
  readonly host: string;
  readonly port: number;
  /** Id (40 hex digits) or public key (64) of who else may run it than the publisher. */
  readonly operator?: string;
  /** Where a stranger named it: nothing nearer is connected to, whatever its name leads to. */
  readonly nearest?: Reach;
}

/** That of https. */
const DEFAULT_PORT = 443;
const FORM =
  /^(?:([0-9a-f]{40}|[0-9a-f]{64})@)?(?:([a-z0-9.-]{1,253})|\[([0-9a-f:.]{2,45})\])(?::(\d{1,5}))?$/;

/**
 * Reads "host", "host:port", "[IPv6 address]:port" (RFC 3986, 3.2.2) or any of them after
 * "<id or key>@"; undefined where the text is none.
 */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [whole, operator, name, address, digits] = FORM.exec(text.toLowerCase()) ?? [];
  if (whole === undefined || (address !== undefined && !isIPv6(address))) return undefined;
  const port = Number(digits ?? DEFAULT_PORT);
  return port < 65536 ? { host: name ?? shortest(address!), port, operator } : undefined;
}

/** "host:port", an IPv6 address in brackets. */
export function formatEndpoint({ host, port }: Pick<Endpoint, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Of the many ways to write an IPv6 address the one of RFC 5952: the same server is asked once. */
function shortest(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}
