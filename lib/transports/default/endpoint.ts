/**
 * Hosts and ports of servers.
 *
 * @module
 */

/** A server. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  /** Id (40 hex digits) or public key (64) of who else may run it than the publisher. */
  readonly operator?: string;
}

/** That of https. */
const DEFAULT_PORT = 443;

/** Reads "host", "host:port" or either after "<id or key>@"; undefined where the text is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:([0-9a-f]{40}|[0-9a-f]{64})@)?([a-z0-9.-]{1,253})(?::(\d{1,5}))?$/.exec(
    text.toLowerCase(),
  );
  if (!match) return undefined;
  const port = Number(match[3] ?? DEFAULT_PORT);
  return port < 65536 ? { host: match[2]!, port, operator: match[1] } : undefined;
}

/** "host:port". */
export function formatEndpoint({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
