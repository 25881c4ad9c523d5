/**
 * What UPnP routers describe themselves with, and the calls that they take (UPnP Device Architecture
 * 1.1, sections 2 and 3; WANIPConnection:1 and :2).
 *
 * @module
 */
import { atHost } from "./ssdp.ts";
import { encodeText, leaves } from "./xml.ts";

const SERVICE = /^urn:schemas-upnp-org:service:(?:WANIPConnection:[12]|WANPPPConnection:1)$/;
/** A router has one for each line that it could use; most have one. */
const MAX_SERVICES = 4;

/** A service of a router that maps ports. */
export interface Service {
  readonly type: string;
  readonly control: URL;
}

/**
 * The services in a router's description; undefined if that can't be read. Those that it says are at
 * another host are left out.
 */
export function readDescription(xml: string, location: URL): Service[] | undefined {
  const all = leaves(xml);
  if (!all) return undefined;
  const base = all.find(({ path }) => path.length === 2 && path[1] === "URLBase")?.text;
  const root = (base ? atHost(URL.parse(base), location.hostname) : undefined) ?? location;
  const services = new Map<number, { type?: string; control?: string }>();
  for (const { path, parent, text } of all) {
    if (path.at(-2) !== "service") continue;
    const service = services.get(parent) ?? {};
    if (path.at(-1) === "serviceType") service.type = text;
    if (path.at(-1) === "controlURL") service.control = text;
    services.set(parent, service);
  }
  return [...services.values()].flatMap(({ type = "", control = "" }) => {
    if (!SERVICE.test(type)) return [];
    const url = atHost(URL.parse(control, root.href), location.hostname);
    return url ? [{ type, control: url }] : [];
  }).slice(0, MAX_SERVICES);
}

/** The body of a call. */
export function encodeCall(
  type: string,
  action: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const inside = Object.entries(values)
    .map(([name, value]) => `<${name}>${encodeText(String(value))}</${name}>`).join("");
  return '<?xml version="1.0"?>\r\n' +
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${encodeText(type)}">${inside}</u:${action}>` +
    "</s:Body></s:Envelope>\r\n";
}

/** What a router answered: values by name, or the number of an error. */
export type CallAnswer =
  | { readonly values: ReadonlyMap<string, string> }
  | { readonly error: number };

/** Undefined if it is no answer to this action. */
export function decodeCallAnswer(xml: string, action: string): CallAnswer | undefined {
  const all = leaves(xml);
  if (!all) return undefined;
  const values = new Map<string, string>();
  let isAnswer = false;
  for (const { path, text } of all) {
    if (path[0] !== "Envelope" || path[1] !== "Body") continue;
    if (path[2] === "Fault" && path.at(-1) === "errorCode" && /^\d{1,5}$/.test(text)) {
      return { error: Number(text) };
    }
    if (path[2] !== `${action}Response`) continue;
    isAnswer = true;
    if (path.length === 4) values.set(path[3]!, text);
  }
  return isAnswer ? { values } : undefined;
}
