/**
 * Addresses of relays and of Blossom servers, as people, events and addresses give them.
 *
 * @module
 */
import { reachOf } from "../../common/reach.ts";

/** Longest URL of a server, in characters: an naddr has room for that many. */
export const MAX_SERVER_URL = 255;

/**
 * The one form of a relay's address: `ws://` or `wss://`, no user, no fragment, no `/` at the end of
 * a bare host. Undefined where `text` is none.
 */
export function relayUrl(text: string): string | undefined {
  return serverUrl(text, ["wss:", "ws:"]);
}

/** The one form of a web server's address, `https://` or `http://`. Undefined where it is none. */
export function webUrl(text: string): string | undefined {
  return serverUrl(text, ["https:", "http:"]);
}

/** The distinct valid addresses among `texts`, in their order, at most `most`. */
export function distinctUrls(
  texts: readonly string[],
  form: (text: string) => string | undefined,
  most: number,
): string[] {
  const urls = new Set<string>();
  for (const text of texts) {
    const url = form(text);
    if (url !== undefined) urls.add(url);
    if (urls.size === most) break;
  }
  return [...urls];
}

/**
 * Whether a server's address means this machine or the network it is in. Those that strangers tell
 * are not to be called there: what answers is not for strangers to point at.
 */
export function isInside(url: string): boolean {
  return reachOf(new URL(url).hostname) !== "public";
}

function serverUrl(text: string, protocols: readonly string[]): string | undefined {
  // deno-lint-ignore no-control-regex -- URL() would take them off silently
  if (text.length > MAX_SERVER_URL || /[\s\x00-\x1f\x7f]/.test(text) || !URL.canParse(text)) {
    return undefined;
  }
  const url = new URL(text);
  if (!protocols.includes(url.protocol)) return undefined;
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  url.hash = ""; // a "#" without anything behind it
  if (url.search === "") url.search = "";
  const { href } = url;
  if (href.length > MAX_SERVER_URL) return undefined; // escapes made it longer
  return url.pathname === "/" && url.search === "" ? href.slice(0, -1) : href;
}
