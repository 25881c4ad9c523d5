/**
 * Which address others can dial.
 *
 * @module
 */
import { networkInterfaces } from "node:os";
import { mayDial as mayBeDialled, reachOf } from "../../common/reach.ts";
import { type Address, formatHostPort, parseAddress } from "./address.ts";

/** Every address of this machine, and every one of IPv4. */
const ANY = "::";
const ANY_IPV4 = "0.0.0.0";
/** Of a stranger's manifest. */
const MAX_ENDPOINTS = 8;
/** Of each family in one's own: small manifests fit into the DHT. */
const MAX_OWN = 2;

/** The addresses of this machine, by interface. */
type Interfaces = ReturnType<typeof networkInterfaces>;

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

/** Those of a family that a node on `host` listens on; of this machine and this link only left out. */
function addressesOf(host: string, family: 4 | 6, interfaces: Interfaces): string[] {
  const isIpv6 = family === 6;
  if (host !== ANY && host !== ANY_IPV4) return host.includes(":") === isIpv6 ? [host] : [];
  if (isIpv6 && host === ANY_IPV4) return [];
  // Temporary addresses (RFC 8981) come before the one that stays.
  return Object.values(interfaces).flatMap((list) => (list ?? []).toReversed())
    .filter((one) => one.family === `IPv${family}` && !one.internal)
    .map(({ address }) => address)
    .filter((address) => reachOf(address) !== "machine");
}

/**
 * Where a neighbour can dial a node that listens on `host`: an address of each family, in the form of
 * the setting `torrent.bootstrap`.
 */
export function dialable(host: string, port: number, interfaces = networkInterfaces()): string {
  const found = ([4, 6] as const).flatMap((family) =>
    addressesOf(host, family, interfaces).slice(0, 1)
  );
  return (found.length > 0 ? found : ["127.0.0.1"])
    .map((address) => formatHostPort({ host: address, port })).join();
}

/**
 * What a manifest may tell everyone: the address that was chosen to listen on or, where that is any,
 * public ones. Addresses inside a home are nobody else's business.
 *
 * @param outside where a router lets others in, if one does
 */
export function publicEndpoints(
  host: string,
  port: number,
  outside?: Pick<Address, "host" | "port">,
  interfaces = networkInterfaces(),
): string[] {
  const isAny = host === ANY || host === ANY_IPV4;
  const mapped = outside && reachOf(outside.host) === "public" ? [formatHostPort(outside)] : [];
  return mapped.concat(
    ([4, 6] as const).filter((family) => family === 6 || mapped.length === 0).flatMap((family) =>
      addressesOf(host, family, interfaces)
        .filter((address) => !isAny || reachOf(address) === "public").slice(0, MAX_OWN)
    ).map((address) => formatHostPort({ host: address, port })),
  );
}

/** A public IPv6 address of this machine, if a node on `host` listens on one. */
export function publicIpv6(host: string, interfaces = networkInterfaces()): string | undefined {
  return addressesOf(host, 6, interfaces).find((address) => reachOf(address) === "public");
}

/** The endpoints of a stranger's manifest that can be dialled. */
export function readEndpoints(endpoints: readonly string[] | undefined): Address[] {
  return (endpoints ?? []).slice(0, MAX_ENDPOINTS).map(parseAddress)
    .filter((address) => address !== undefined);
}
