/**
 * Where this computer is: behind which router, if any.
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { reachOf } from "../../../common/reach.ts";
import { withoutScope } from "./exchange.ts";

/** Behind a router. */
export interface Surroundings {
  /** This computer's address in the router's network. */
  readonly own: string;
  /** Where routers are. */
  readonly gateways: readonly string[];
  /** Whether the system told it; if not, it is a guess. */
  readonly isKnown: boolean;
}

/** Why no router is asked. `problem` is absent if others can connect without, or never can. */
export interface NoRouter {
  readonly problem?: string;
}

/** One IPv4 address of this computer. */
export interface OwnAddress {
  readonly address: string;
  readonly netmask: string;
}

/** One public IPv6 address of this computer, and the link that it is on: "eth0". */
export interface OwnAddress6 {
  readonly address: string;
  readonly link: string;
}

/** This computer's public IPv6 addresses: those that stay come before temporary ones (RFC 8981). */
export function ownAddresses6(): OwnAddress6[] {
  return Object.entries(networkInterfaces()).flatMap(([link, list]) =>
    (list ?? []).toReversed()
      .filter(({ family, address, internal }) =>
        family === "IPv6" && !internal && reachOf(address) === "public"
      )
      .map(({ address }) => ({ address, link }))
  );
}

/** Whether others may be served at an IPv6 address of this computer's. */
export function mayNeedPinhole(host: string): boolean {
  return host === "::" || (isIPv6(host) && reachOf(host) === "public");
}

/**
 * Which router to ask to let connections through to the n-th public IPv6 address, from 0.
 *
 * @param gateways the default gateways, with the link that they are on: "fe80::1%eth0"
 */
export function surroundings6(
  host: string,
  n: number,
  gateways: readonly string[],
  addresses: readonly OwnAddress6[] = ownAddresses6(),
): Surroundings | NoRouter {
  const own = addresses.filter(({ address }) => host === "::" || host === address)[n];
  if (!own || !mayNeedPinhole(host)) return {};
  const near = gateways.find((gateway) => gateway.endsWith(`%${own.link}`));
  if (near === undefined) return {};
  // Only an address of the link needs to be told which one.
  const gateway = reachOf(withoutScope(near)) === "machine" ? near : withoutScope(near);
  return { own: own.address, gateways: [gateway], isKnown: true };
}

/** This computer's IPv4 addresses, loopback left out. */
export function ownAddresses(): OwnAddress[] {
  return Object.values(networkInterfaces()).flatMap((list) => list ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => ({ address, netmask }));
}

/** Whether others are served at this address who are behind another router. */
export function mayNeedRouter(host: string): boolean {
  const isAny = host === "0.0.0.0" || host === "::";
  return isAny || (isIPv4(host) && reachOf(host) === "private");
}

/**
 * Which router to ask for ports that are open on `host`.
 *
 * @param gateways the default gateways; undefined if the system doesn't tell
 */
export function surroundings(
  host: string,
  gateways: readonly string[] | undefined,
  addresses: readonly OwnAddress[] = ownAddresses(),
): Surroundings | NoRouter {
  if (!mayNeedRouter(host)) return {};
  if (addresses.some(({ address }) => reachOf(address) === "public")) return {};
  const open = addresses.filter(({ address }) =>
    reachOf(address) === "private" && (!isIPv4(host) || host === "0.0.0.0" || host === address)
  );
  if (open.length === 0) return { problem: "this computer is in no network" };
  if (gateways?.length === 0) return { problem: "there is no router to ask: no default route" };
  const candidates = gateways ??
    open.filter(({ netmask }) => bits(netmask) !== 0xffffffff).map(firstHost);
  for (const gateway of candidates) {
    const near = open.find((own) => isInNetwork(gateway, own));
    if (!near || gateway === near.address) continue;
    const isKnown = gateways !== undefined;
    return { own: near.address, gateways: isKnown ? [gateway] : candidates, isKnown };
  }
  return { problem: "the router is in no network of this computer" };
}

function isInNetwork(host: string, { address, netmask }: OwnAddress): boolean {
  return isIPv4(host) && ((bits(host) ^ bits(address)) & bits(netmask)) === 0;
}

/** Where home routers are as a rule. */
function firstHost({ address, netmask }: OwnAddress): string {
  const first = ((bits(address) & bits(netmask)) | 1) >>> 0;
  return [24, 16, 8, 0].map((shift) => (first >>> shift) & 0xff).join(".");
}

function bits(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0) >>> 0;
}
