/**
 * Opening the sockets of the DHT: one for each family.
 *
 * @module
 */
import { NetworkError } from "../../../common/errors.ts";
import { formatHostPort } from "../address.ts";
import { type Family, familyOf } from "./contacts.ts";
import { DhtNode, type NodeHooks } from "./node.ts";

/** Milliseconds until a query counts as lost; k-rpc-socket takes up to a quarter longer. */
const LOOPBACK_TIMEOUT_MS = 400;
const TIMEOUT_MS = 1000;

const ANY = "::";
const ANY_IPV4 = "0.0.0.0";

/** Where nodes listen, and what they call. */
export interface OpenOptions extends NodeHooks {
  /** An IP address; `::` for all, of IPv4 too. */
  readonly host: string;
  /** UDP port, 0 for any free one. */
  readonly port: number;
}

/**
 * Binds the sockets, on one port.
 *
 * @returns the node of the address's family; for `::` that of IPv4 and, where the system has IPv6,
 * that of IPv6
 * @throws {NetworkError} "port-in-use" or "cannot-listen"
 */
export async function openNodes(options: OpenOptions): Promise<DhtNode[]> {
  const { host } = options;
  if (host !== ANY) return [await open(familyOf(host), options)];
  const ipv4 = await open(4, { ...options, host: ANY_IPV4 });
  try {
    return [ipv4, await open(6, { ...options, port: ipv4.address().port }, ipv4)];
  } catch (error) {
    if (error instanceof NetworkError && error.code === "cannot-listen") return [ipv4];
    ipv4.destroy(() => {});
    throw error;
  }
}

async function open(family: Family, options: OpenOptions, other?: DhtNode): Promise<DhtNode> {
  const { host, port, dropped, answered, dial } = options;
  const isLoopback = host.startsWith("127.") || host === "::1";
  const timeoutMs = isLoopback ? LOOPBACK_TIMEOUT_MS : TIMEOUT_MS;
  const node = new DhtNode({ family, timeoutMs, dropped, answered, dial, other });
  try {
    await new Promise<void>((resolve, reject) => {
      node.once("error", reject);
      node.once("warning", reject);
      node.listen(port, host, resolve);
    });
  } catch (cause) {
    node.destroy(() => {});
    throw cannotListen(options, cause);
  }
  node.removeAllListeners("error");
  node.on("error", () => dropped("dht-socket-error"));
  return node;
}

function cannotListen(options: OpenOptions, cause: unknown): NetworkError {
  const where = formatHostPort(options);
  const hint = "set torrent.host and torrent.port to a free address, or torrent.port to 0";
  if ((cause as { code?: string }).code === "EADDRINUSE") {
    return new NetworkError("port-in-use", `can't listen on UDP ${where}: the port is in use`, {
      hint,
      cause,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new NetworkError("cannot-listen", `can't listen on UDP ${where}: ${why}`, { hint, cause });
}
