/**
 * The messages of SSDP, by which UPnP devices are found (UPnP Device Architecture 1.1, section 1).
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A message has a dozen lines; larger ones are no device's. */
const MAX_BYTES = 2048;
const MAX_LINES = 64;
const MAX_LOCATION = 512;
/** Devices spread their answers over so many seconds. */
const SPREAD_SECONDS = 1;

/** What a router calls itself; one of version 2 also answers to version 1. */
export const TARGETS = [
  "urn:schemas-upnp-org:device:InternetGatewayDevice:1",
  "urn:schemas-upnp-org:device:InternetGatewayDevice:2",
] as const;

/** Asks for devices of a kind (section 1.3.2). */
export function encodeSearch(host: string, port: number, target: string): Uint8Array {
  const lines = [
    "M-SEARCH * HTTP/1.1",
    `HOST: ${host}:${port}`,
    'MAN: "ssdp:discover"',
    `MX: ${SPREAD_SECONDS}`,
    `ST: ${target}`,
    "",
    "",
  ];
  return Buffer.from(lines.join("\r\n"));
}

/** What a device says of itself, when asked or of its own accord. */
export interface SsdpMessage {
  readonly kind: "answer" | "alive" | "byebye";
  /** Where its description is. Not checked: see {@linkcode locationOf}. */
  readonly location: string | undefined;
  /** Another number after each restart. */
  readonly boot: string | undefined;
}

/** Undefined if it is not a device's message. */
export function decodeSsdp(bytes: Uint8Array): SsdpMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  const [first, ...lines] = Buffer.from(bytes).toString("latin1").split("\r\n", MAX_LINES);
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  const location = headers.get("location");
  const boot = headers.get("bootid.upnp.org");
  if (/^HTTP\/1\.[01] 200\b/.test(first!)) return { kind: "answer", location, boot };
  if (!/^NOTIFY \* HTTP\/1\.[01]$/.test(first!)) return undefined;
  const kind = headers.get("nts")?.replace(/^ssdp:/, "");
  return kind === "alive" || kind === "byebye" ? { kind, location, boot } : undefined;
}

/**
 * The address of a device's description, if it is at the host that told of it: nobody else's shall be
 * asked for it.
 */
export function locationOf(message: SsdpMessage, sender: string): URL | undefined {
  const { location } = message;
  if (location === undefined || location.length > MAX_LOCATION) return undefined;
  return atHost(URL.parse(location), sender);
}

/** The URL, if it is plain http at the IPv4 address. */
export function atHost(url: URL | null, address: string): URL | undefined {
  const isThere = url?.protocol === "http:" && url.hostname === address && url.port !== "0" &&
    url.username === "" && url.password === "";
  return isThere ? url : undefined;
}
