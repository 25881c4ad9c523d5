/** What relays send: messages, events (NIP-01), and what the events of repositories say (NIP-34). */
import assert from "node:assert/strict";
import { readMessage } from "../../../lib/transports/nostr/relays/message.ts";
import { Sieve } from "../../../lib/transports/nostr/relays/sieve.ts";
import { boundPublisher } from "../../../lib/transports/nostr/repositories/binding.ts";
import {
  decodeAnnouncement,
  encodeAnnouncement,
} from "../../../lib/transports/nostr/repositories/announcement.ts";
import { decodeChunk, MAX_CHUNKS } from "../../../lib/transports/nostr/chunks/chunk.ts";
import {
  eventFault,
  MAX_EVENT,
  type NostrEvent,
} from "../../../lib/transports/nostr/events/event.ts";
import { liveEvents } from "../../../lib/transports/nostr/events/live_events.ts";
import { decodePack, encodePack } from "../../../lib/transports/nostr/repositories/pack_event.ts";
import {
  decodeBlossomList,
  decodeRelayList,
} from "../../../lib/transports/nostr/events/server_lists.ts";
import { decodeState, encodeState } from "../../../lib/transports/nostr/repositories/state.ts";
import { isInside } from "../../../lib/transports/nostr/urls.ts";
import {
  manifestBlobOf,
  manifestInContent,
} from "../../../lib/transports/nostr/repositories/manifest_content.ts";
import { accepted, simple, type Target, textOf } from "../target.ts";
import { openManifest } from "../../fixtures/open_manifest.ts";

const NOW = 1_800_000_000;
/** Of so many events one has its signature looked at: that takes most of a millisecond. */
const SIGNED = 16;

export const make = (): Target =>
  simple({
    form: "json",
    maxBytes: 600 * 1024,
    check,
  });

function check(input: Uint8Array): boolean {
  const message = readMessage(textOf(input));
  if (!message) return false;
  if ("reason" in message) assert.ok(message.reason.length <= 200);
  if (message.type !== "EVENT") return true;
  if (input.length % SIGNED === 0) new Sieve([{}], () => {}).pass(message.event);
  if (eventFault(message.event, NOW) !== undefined) return false;
  const event = message.event as NostrEvent;
  assert.ok(JSON.stringify(event).length <= MAX_EVENT);
  read(event);
  return true;
}

/** All that an authentic event of somebody's can say. */
function read(event: NostrEvent): void {
  const announcement = decodeAnnouncement(event);
  if (announcement) {
    const urls = [...announcement.relays, ...announcement.blossoms, ...announcement.web];
    for (const url of urls) isInside(url);
    for (const url of announcement.clone) assert.match(url, /^(https?|git|ssh):\/\//i);
    const written = { ...event, ...encodeAnnouncement(announcement, event.created_at) };
    const { event: _, ...rest } = decodeAnnouncement(written)!;
    const { event: __, ...before } = announcement;
    assert.deepEqual(rest, before);
  }
  const state = decodeState(event);
  if (state) {
    const written = decodeState({ ...event, ...encodeState(state, event.created_at) })!;
    assert.deepEqual(written.refs, state.refs);
    assert.deepEqual(written.peeled, state.peeled);
    assert.equal(written.head, state.head);
  }
  const [, pubkey = "", identifier = ""] = event.tags.find(([name]) => name === "a")?.[1]
    ?.split(":") ?? [];
  const pack = decodePack(event, { pubkey, identifier });
  if (pack) {
    assert.ok((pack.chunks?.length ?? 0) <= MAX_CHUNKS && Number.isSafeInteger(pack.size));
    const written = { ...event, ...encodePack(pack, event.created_at) };
    assert.deepEqual(decodePack(written, pack.repository), pack);
    decodeChunk(event, pack.size);
  }
  decodeChunk(event, event.content.length);
  decodeRelayList(event);
  decodeBlossomList(event);
  boundPublisher(event, identifier);
  manifestBlobOf(event);
  liveEvents([event, { ...event, kind: 5 }]);
  accepted(() => manifestInContent(event, {}, openManifest));
}
