/**
 * Which address others can dial.
 *
 * @module
 */
import { isIPv4 } from "node:net";
import { networkInterfaces } from "node:os";
import { mayDial as mayBeDialled, reachOf } from "../../common/reach.ts";
import { type Address, formatHostPort, parseHostPort } from "./dht/endpoints.ts";

const ANY = "0.0.0.0";
const MAX_ENDPOINTS = 8;

/**
 * Whether an address that strangers told may be dialled. On the public network no peer is at an
 * address that means something else to everyone, and what is there is not for strangers to point at.
 * A network of one's own may be anywhere.
 *
 * @param bootstrap the setting `torrent.bootstrap`
 */
export function mayDial(host: string, bootstrap: readonly string[] | undefined): boolean {
  return bootstrap !== undefined || mayBeDialled(host, "private");
}

/** The addresses of this machine, loopback left out. */
function machineAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
}

/** One address, of those a node on `host` listens on, that a neighbour can dial. */
export function dialable(host: string, port: number): string {
  const address = host === ANY ? machineAddresses()[0] ?? "127.0.0.1" : host;
  return formatHostPort({ host: address, port });
}

/**
 * What a manifest may tell everyone: the address that was chosen to listen on or, where that is any,
 * public ones. Addresses inside a home are nobody else's business.
 */
export function publicEndpoints(host: string, port: number): string[] {
  const hosts = host === ANY ? machineAddresses().filter((a) => reachOf(a) === "public") : [host];
  return hosts.slice(0, MAX_ENDPOINTS).map((address) => formatHostPort({ host: address, port }));
}

/** The endpoints of a stranger's manifest that can be dialled. */
export function readEndpoints(endpoints: readonly string[] | undefined): Address[] {
  return (endpoints ?? []).slice(0, MAX_ENDPOINTS).map(parseHostPort)
    .filter((address): address is Address => address !== undefined && isIPv4(address.host));
}
