/**
 * Who is outside of this node's own network: only their connections prove that others can connect.
 *
 * @module
 */
import { BlockList, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { reachOf } from "../../common/reach.ts";

/** The addresses and networks of this machine, loopback left out. */
export interface OwnNetworks {
  readonly addresses: readonly string[];
  /** Whether an address is of one of the networks that this machine is in. */
  includes(address: string): boolean;
}

/** Those of now: interfaces come and go. */
export function ownNetworks(): OwnNetworks {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    .filter(({ internal }) => !internal);
  const networks = new BlockList();
  for (const { cidr, family } of all) {
    const [network, bits] = cidr?.split("/") ?? [];
    if (network && bits) {
      networks.addSubnet(network, Number(bits), family === "IPv6" ? "ipv6" : "ipv4");
    }
  }
  return {
    addresses: all.map(({ address }) => address),
    includes: (address) => networks.check(address, isIPv6(address) ? "ipv6" : "ipv4"),
  };
}

/**
 * Whether an address is of somebody outside.
 *
 * @param closed the network is one of the user's own, which may be anywhere: else private addresses
 * are never outside
 */
export function isOutside(host: string, own: OwnNetworks, closed: boolean): boolean {
  if (own.addresses.includes(host)) return false;
  const reach = reachOf(host);
  return reach === "public" || (closed && reach === "private" && !own.includes(host));
}
