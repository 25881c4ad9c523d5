/**
 * IP addresses as text and as bytes: one form for each address, however it was written.
 *
 * @module
 */
const OCTET = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);

/** Prefixes of 12 bytes, in hex, before an IPv4 address: mapped (RFC 4291), NAT64 (RFC 6052). */
const BEFORE_IPV4 = ["00000000000000000000ffff", "0064ff9b0000000000000000"];

/**
 * The one form of an address: IPv6 as in RFC 5952, and IPv4 within IPv6 (`::ffff:1.2.3.4`) as IPv4.
 *
 * @returns undefined if `text` is not an address, or one with a zone (`fe80::1%eth0`)
 */
export function canonicalIp(text: string): string | undefined {
  if (IPV4.test(text)) return text;
  if (!/^[\da-f:.]+$/i.test(text)) return undefined; // it would end the host of the URL
  const canonical = URL.parse(`http://[${text}]`)?.hostname.slice(1, -1);
  return canonical?.startsWith("::ffff:") ? embeddedIpv4(canonical) ?? canonical : canonical;
}

/** The address at the other end of a socket, in its one form; "" if the socket has none. */
export function peerIp(socket: { readonly remoteAddress?: string }): string {
  const [address = ""] = (socket.remoteAddress ?? "").split("%");
  return canonicalIp(address) ?? address;
}

/**
 * The IPv4 address that an IPv6 address leads to: mapped, translated (NAT64) or tunnelled (6to4).
 *
 * @param address in its one form
 */
export function embeddedIpv4(address: string): string | undefined {
  if (!address.includes(":")) return undefined;
  const bytes = ipBytes(address);
  if (bytes[0] === 0x20 && bytes[1] === 0x02) return bytes.subarray(2, 6).join("."); // RFC 3056
  return BEFORE_IPV4.includes(bytes.subarray(0, 12).toHex())
    ? bytes.subarray(12).join(".")
    : undefined;
}

/**
 * Who counts as one: an IPv4 address, or the 64 bits of an IPv6 address that a single customer of a
 * provider has at least.
 *
 * @param address in any form; what is not an address counts as itself
 */
export function placeOf(address: string): string {
  const canonical = canonicalIp(address.split("%")[0]!);
  if (canonical === undefined) return address;
  if (!canonical.includes(":")) return canonical;
  const embedded = embeddedIpv4(canonical);
  if (embedded !== undefined) return embedded;
  const prefix = ipBytes(canonical).fill(0, 8);
  return `${ipText(prefix)}/64`;
}

/**
 * The 4 or 16 bytes of an address.
 *
 * @param address in its one form
 */
export function ipBytes(address: string): Uint8Array {
  if (!address.includes(":")) return Uint8Array.from(address.split("."), Number);
  const [front = [], back] = address.split("::")
    .map((part) => part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const zeros = back ? Array<number>(8 - front.length - back.length).fill(0) : [];
  return Uint8Array.from([...front, ...zeros, ...back ?? []].flatMap((n) => [n >> 8, n & 0xff]));
}

/** The one form of an address of 4 or 16 bytes. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new RangeError(`an address of ${bytes.length} bytes`);
  const groups = Array.from({ length: 8 }, (_, i) => (bytes[2 * i]! << 8) | bytes[2 * i + 1]!);
  return canonicalIp(groups.map((group) => group.toString(16)).join(":"))!;
}
