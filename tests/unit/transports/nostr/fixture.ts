import { finalizeEvent } from "nostr-tools/pure";
import type { EventTemplate, NostrEvent } from "../../../../lib/transports/nostr/events/event.ts";
import { BLOSSOM_LIST, RELAY_LIST } from "../../../../lib/transports/nostr/events/kinds.ts";
import type { RelayList } from "../../../../lib/transports/nostr/events/server_lists.ts";
import { localSigner, type NostrSigner } from "../../../../lib/transports/nostr/events/signer.ts";

/** 2026-01-01, in seconds. */
export const NOW = 1_767_225_600;

/** A secret key that is the same in every run. */
export const secret = (seed: number) => new Uint8Array(32).fill(seed);

export const alice: NostrSigner = localSigner(secret(1));
export const bob: NostrSigner = localSigner(secret(2));
export const carol: NostrSigner = localSigner(secret(3));
export const mallory: NostrSigner = localSigner(secret(66));

const SEEDS = new Map([[alice, 1], [bob, 2], [carol, 3], [mallory, 66]]);

/** An authentic event: as one comes from a relay, a plain object. */
export function signed(
  signer: NostrSigner,
  template: Partial<EventTemplate> = {},
): NostrEvent {
  const whole = { kind: 1, created_at: NOW, tags: [], content: "", ...template };
  return JSON.parse(JSON.stringify(finalizeEvent(whole, secret(SEEDS.get(signer)!))));
}

/** Counts what is dropped. */
export function counting(): { dropped: (reason: string) => void; counts: Record<string, number> } {
  const counts: Record<string, number> = {};
  return { counts, dropped: (reason) => counts[reason] = (counts[reason] ?? 0) + 1 };
}

/** A user's relays (NIP-65). */
export function relayList({ write, read }: RelayList): EventTemplate {
  const tags = [...new Set([...write, ...read])].map((url) => {
    if (!read.includes(url)) return ["r", url, "write"];
    return write.includes(url) ? ["r", url] : ["r", url, "read"];
  });
  return { kind: RELAY_LIST, created_at: NOW, tags, content: "" };
}

/** A user's Blossom servers (BUD-03). */
export function blossomList(servers: readonly string[]): EventTemplate {
  const tags = servers.map((server) => ["server", server]);
  return { kind: BLOSSOM_LIST, created_at: NOW, tags, content: "" };
}
