/**
 * Which addresses belong to the local networks of this machine.
 *
 * @module
 */
import { networkInterfaces } from "node:os";

/** An address of this machine, and the network that it is in. */
export interface LocalAddress {
  readonly address: string;
  readonly netmask: string;
}

/** The IPv4 addresses of this machine that others can reach. */
export function localAddresses(): LocalAddress[] {
  return Object.values(networkInterfaces()).flatMap((all) => all ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => ({ address, netmask }));
}

/**
 * Whether a host is in one of these networks: what comes from elsewhere is no answer
 * (RFC 6762, section 11).
 */
export function isOnLink(host: string, locals: readonly LocalAddress[]): boolean {
  const number = parse(host);
  return number !== undefined && locals.some(({ address, netmask }) => {
    const [own, mask] = [parse(address), parse(netmask)];
    return own !== undefined && mask !== undefined && ((own ^ number) & mask) === 0;
  });
}

function parse(address: string): number | undefined {
  const parts = address.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((sum, part) => (sum << 8) | Number(part), 0);
}
