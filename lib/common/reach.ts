/**
 * How far addresses lead: strangers name hosts to connect to, and must not be able to point at what
 * only this machine or its network can reach.
 *
 * @module
 */
import { isIP } from "node:net";
import { embeddedIpv4 } from "./ip_address.ts";

/**
 * Where a host is: "machine" on this machine, this link, or many at once; "private" in a network
 * that can't be reached from elsewhere; "public" anywhere else.
 */
export type Reach = "machine" | "private" | "public";

const NEAREST_FIRST: readonly Reach[] = ["machine", "private", "public"];

/** RFC 1122 (this network, loopback), 3927, 5771 (multicast) and above. */
const MACHINE_4 = /^(?:0|127|169\.254|22[4-9]|2[3-5]\d)\./;
/** RFC 1918, 6598. */
const PRIVATE_4 =
  /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./;
/** RFC 4291: unspecified, loopback and what else begins with zeros; link-local, multicast. Teredo. */
const MACHINE_6 = /^(?:::|fe[89ab]|ff|2001:0?:)/;
/**
 * RFC 4193, and 8215 (addresses of a translator's own network). Site-local addresses (RFC 3879) are
 * no longer given out, and are no others' either.
 */
const PRIVATE_6 = /^(?:f[cd]|fe[c-f]|64:ff9b:1:)/;
/** RFC 6761. */
const MACHINE_NAME = /^(?:.*\.)?localhost$/;
/** RFC 6762, 8375, and what routers and administrators use. */
const PRIVATE_NAME = /\.(?:local|internal|intranet|lan|home|corp|private|home\.arpa)$/;

/**
 * Where a host is, by its address or name alone. A name is not looked up: check what it leads to as
 * well.
 *
 * @param host in any form that a URL may have it in; IPv6 with or without brackets. What is none is
 * "machine": nobody should connect to it
 */
export function reachOf(host: string): Reach {
  const bare = host.replace(/^\[|\]$/g, "");
  const url = URL.parse(`http://${isIP(bare) === 6 ? `[${bare}]` : bare}`);
  if (!url || url.href !== `http://${url.hostname}/`) return "machine";
  // URL has made one form of the many that programs take for an address: 127.1, 0x7f000001, ::FFFF:0:1
  const canonical = url.hostname.replace(/^\[|\]$/g, "");
  switch (isIP(canonical)) {
    case 4:
      return reach4(canonical);
    case 6: {
      const embedded = embeddedIpv4(canonical);
      if (embedded !== undefined) return reach4(embedded);
      return MACHINE_6.test(canonical)
        ? "machine"
        : PRIVATE_6.test(canonical)
        ? "private"
        : "public";
    }
    default: {
      const name = canonical.replace(/\.$/, "");
      if (MACHINE_NAME.test(name)) return "machine";
      return !name.includes(".") || PRIVATE_NAME.test(name) ? "private" : "public";
    }
  }
}

/** Whether what a stranger told may be connected to, where nothing nearer than `nearest` may be. */
export function mayDial(host: string, nearest: Reach): boolean {
  return NEAREST_FIRST.indexOf(reachOf(host)) >= NEAREST_FIRST.indexOf(nearest);
}

/**
 * The nearest that strangers may point a node at which listens on `hosts`: who is reached on
 * loopback only has no peers but there, and who chose an address of a home, none farther than there.
 * Every address (`0.0.0.0`, `::`) is no such choice.
 */
export function nearestOf(hosts: readonly string[]): Reach {
  const reaches = hosts.filter((host) => !/^(?:0\.0\.0\.0|\[?::\]?|)$/.test(host)).map(reachOf);
  return NEAREST_FIRST.find((reach) => reaches.includes(reach)) ?? "public";
}

function reach4(address: string): Reach {
  return MACHINE_4.test(address) ? "machine" : PRIVATE_4.test(address) ? "private" : "public";
}
