/**
 * Listening for TCP connections, over IPv4 and IPv6 on one port.
 *
 * @module
 */
import { type AddressInfo, createServer, type Server } from "node:net";
import { NetworkError } from "../../../common/errors.ts";

const ANY = "::";
const ANY_IPV4 = "0.0.0.0";

/**
 * Opens the sockets of one port.
 *
 * @param host an IP address; `::` is for IPv4 too, and for IPv4 alone on a system without IPv6
 * @param port 0 for any free one
 * @returns one socket, or two on a system that keeps IPv4 and IPv6 apart (net.ipv6.bindv6only)
 * @throws {NetworkError} "port-in-use" or "cannot-listen"
 */
export async function openListeners(host: string, port: number): Promise<Server[]> {
  if (host !== ANY) return [await bind(host, port)];
  const both = await bind(ANY, port).catch((error: NetworkError) => {
    if (error.code === "port-in-use") throw error;
    return undefined;
  });
  if (!both) return [await bind(ANY_IPV4, port)];
  // In use: by the socket that was just opened, as a rule.
  const ipv4 = await bind(ANY_IPV4, portOf(both)).catch(() => undefined);
  return ipv4 ? [both, ipv4] : [both];
}

/** The port that a socket listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

function bind(host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: Error & { code?: string }) => {
      const inUse = error.code === "EADDRINUSE";
      const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
      reject(
        new NetworkError(
          inUse ? "port-in-use" : "cannot-listen",
          `can't listen on ${where}: ${inUse ? "the port is in use" : error.message}`,
          { hint: "gtr config torrent.port 0 takes any free port", cause: error },
        ),
      );
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      resolve(server);
    });
  });
}
