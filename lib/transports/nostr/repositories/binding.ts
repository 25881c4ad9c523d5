/**
 * The bond between a publisher's ed25519 key and a Nostr key, said by both: an event, signed by the
 * Nostr key, carries the tag `["gtr", <ed25519 public key>, <ed25519 signature>]`, and the manifest,
 * signed by the ed25519 key, names the Nostr key in `endpoints.nostr`. Either alone proves nothing: a
 * tag can be copied, a key be named by anyone. See docs/networks/nostr.md.
 *
 * @module
 */
import { type PublisherKey, verifySignature } from "../../../identity/keys.ts";
import { SIGNED } from "../../../identity/uses.ts";
import type { Manifest } from "../../../manifest/types.ts";
import { type NostrEvent, tagValues } from "../events/event.ts";
import { distinctUrls, relayUrl } from "../urls.ts";

/** The tag's name. */
export const BINDING_TAG = "gtr";

const MAX_RELAYS = 8;

/** The tag by which the publisher accepts `pubkey` as its own for one repository. */
export function bindingTag(
  key: Pick<PublisherKey, "publicKeyHex" | "sign">,
  pubkey: string,
  identifier: string,
): string[] {
  const signature = key.sign("nostrKey", message(pubkey, identifier));
  return [BINDING_TAG, key.publicKeyHex, signature.toHex()];
}

/**
 * The publisher's public key, in hex, where `event` carries a right tag for its own author and the
 * repository; undefined where it has none, "forged" where it has a wrong one.
 */
export function boundPublisher(
  event: NostrEvent,
  identifier: string,
): string | "forged" | undefined {
  const [publicKey, signature] = tagValues(event, BINDING_TAG);
  if (publicKey === undefined) return undefined;
  const formed = /^[0-9a-f]{64}$/.test(publicKey) && /^[0-9a-f]{128}$/.test(signature ?? "");
  return formed && verifySignature(
      Uint8Array.fromHex(publicKey),
      message(event.pubkey, identifier),
      Uint8Array.fromHex(signature!),
    )
    ? publicKey
    : "forged";
}

/** What stands in a manifest's `endpoints.nostr`: the key with each of its relays. */
export function nostrEndpoints(pubkey: string, relays: readonly string[]): string[] {
  return relays.length === 0
    ? [pubkey]
    : relays.slice(0, MAX_RELAYS).map((relay) => `${pubkey}@${relay}`);
}

/** The Nostr keys that a manifest's publisher calls its own, each with its relays. */
export function readNostrEndpoints(
  endpoints: readonly string[] | undefined,
): Map<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const text of endpoints ?? []) {
    const [, pubkey, relay] = /^([0-9a-f]{64})(?:@(.*))?$/s.exec(text) ?? [];
    if (pubkey === undefined) continue;
    const known = found.get(pubkey) ?? [];
    found.set(pubkey, relay === undefined ? known : [...known, relay]);
  }
  return new Map(
    [...found].map(([pubkey, relays]) => [pubkey, distinctUrls(relays, relayUrl, MAX_RELAYS)]),
  );
}

/** Whether the event's author and the manifest's publisher each say that they are one. */
export function isBound(event: NostrEvent, identifier: string, manifest: Manifest): boolean {
  return manifest.name === identifier &&
    boundPublisher(event, identifier) === manifest.publisher &&
    readNostrEndpoints(manifest.endpoints.nostr).has(event.pubkey);
}

function message(pubkey: string, identifier: string): Uint8Array {
  return new TextEncoder().encode(`${SIGNED.nostrKey}${pubkey}${identifier}`);
}
