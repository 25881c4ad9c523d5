/**
 * Authorization of requests to Blossom servers (BUD-11, kind 24242).
 *
 * @module
 */
import type { EventTemplate, NostrEvent } from "../events/event.ts";
import { BLOSSOM_AUTH } from "../events/kinds.ts";

/** How long an authorization holds, in seconds: as long as a slow upload may take. */
const LIFETIME = 3600;
/** Servers want it to be of the past (BUD-11), and their clocks may be behind; in seconds. */
const BEFORE = 60;

/**
 * The event that allows to store one blob on one server, and nothing else.
 *
 * @param now seconds since 1970
 */
export function uploadAuthorization(
  sha256: string,
  server: string,
  now: number,
): EventTemplate {
  return {
    kind: BLOSSOM_AUTH,
    created_at: now - BEFORE,
    tags: [
      ["t", "upload"],
      ["x", sha256],
      ["expiration", String(now + LIFETIME)],
      ["server", new URL(server).hostname.toLowerCase()],
    ],
    content: `Upload ${sha256}`,
  };
}

/** The value of the header `Authorization`. */
export function authorizationHeader(event: NostrEvent): string {
  const json = new TextEncoder().encode(JSON.stringify(event));
  return `Nostr ${json.toBase64({ alphabet: "base64url", omitPadding: true })}`;
}
