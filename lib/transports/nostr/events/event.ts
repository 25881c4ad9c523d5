/**
 * Events (NIP-01), as they come from relays that nobody vouches for.
 *
 * @module
 */
import { verifyEvent } from "nostr-tools/pure";

/** A signed event. */
export interface NostrEvent {
  /** SHA-256 of the rest, 64 hex digits. */
  readonly id: string;
  readonly pubkey: string;
  /** Seconds since 1970, UTC. */
  readonly created_at: number;
  readonly kind: number;
  readonly tags: string[][];
  readonly content: string;
  /** BIP-340 signature of the id, 128 hex digits. */
  readonly sig: string;
}

/** An event before its author signs it. */
export type EventTemplate = Pick<NostrEvent, "kind" | "created_at" | "tags" | "content">;

/** Longest event as JSON, in UTF-16 code units. Relays mostly allow a quarter of it. */
export const MAX_EVENT = 512 * 1024;
/** How far in the future an event may be dated, in seconds: clocks differ. */
export const MAX_AHEAD = 600;

const MAX_TAGS = 10_000;
const MAX_TAG_PARTS = 1_000;
const MAX_KIND = 65_535;
const HEX_32 = /^[0-9a-f]{64}$/;
const HEX_64 = /^[0-9a-f]{128}$/;

/** Why an event is dropped: what is counted. */
export type EventFault =
  | "malformed-event"
  | "oversized-event"
  | "future-event"
  | "expired-event"
  | "forged-event";

/**
 * What is wrong with a value from a relay before its signature is looked at; undefined where it has
 * the form of an event, is not from the future and not past its expiration (NIP-40). It costs
 * little, so it comes before {@linkcode isAuthentic}.
 *
 * @param now seconds since 1970
 */
export function eventFault(value: unknown, now: number): EventFault | undefined {
  if (typeof value !== "object" || value === null) return "malformed-event";
  const event = value as Partial<Record<keyof NostrEvent, unknown>>;
  const formed = matches(event.id, HEX_32) && matches(event.pubkey, HEX_32) &&
    matches(event.sig, HEX_64) && isWhole(event.created_at, Number.MAX_SAFE_INTEGER) &&
    isWhole(event.kind, MAX_KIND) && typeof event.content === "string" && isTags(event.tags);
  if (!formed) return "malformed-event";
  if (JSON.stringify(event).length > MAX_EVENT) return "oversized-event";
  const { created_at, tags } = value as NostrEvent;
  if (created_at > now + MAX_AHEAD) return "future-event";
  return isExpired(tags, now) ? "expired-event" : undefined;
}

/** Whether the id is that of the content and the signature the author's. About 0.7 ms. */
export function isAuthentic(event: NostrEvent): boolean {
  // A copy: the check leaves its result on the object, and would believe it there.
  const { id, pubkey, created_at, kind, tags, content, sig } = event;
  return verifyEvent({ id, pubkey, created_at, kind, tags, content, sig });
}

/** The parts after the name of the first tag called `name`. */
export function tagValues(event: Pick<NostrEvent, "tags">, name: string): string[] {
  return event.tags.find((tag) => tag[0] === name)?.slice(1) ?? [];
}

/** The first value of the first tag called `name`. */
export function tagValue(event: Pick<NostrEvent, "tags">, name: string): string | undefined {
  return tagValues(event, name)[0];
}

/** The values of all tags called `name`, whether one tag lists them or each has one. */
export function allTagValues(event: Pick<NostrEvent, "tags">, name: string): string[] {
  return event.tags.flatMap((tag) => tag[0] === name ? tag.slice(1) : []);
}

/** Newest first; of those of the same second, the one with the lowest id (NIP-01). */
export function newestFirst(a: NostrEvent, b: NostrEvent): number {
  return b.created_at - a.created_at || Number(a.id > b.id) - Number(a.id < b.id);
}

/**
 * When to date an event that replaces another: now, but later than what it replaces, as of two in
 * one second the lower id would win, which is chance.
 *
 * @param replaced `created_at` of what is known to be there, if anything is
 */
export function laterThan(replaced: number | undefined, now: number): number {
  return replaced === undefined ? now : Math.max(now, replaced + 1);
}

function isExpired(tags: string[][], now: number): boolean {
  const at = tagValue({ tags }, "expiration") ?? "";
  return /^\d{1,15}$/.test(at) && Number(at) <= now;
}

function matches(value: unknown, form: RegExp): boolean {
  return typeof value === "string" && form.test(value);
}

function isWhole(value: unknown, most: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function isTags(value: unknown): boolean {
  return Array.isArray(value) && value.length <= MAX_TAGS &&
    value.every((tag) =>
      Array.isArray(tag) && tag.length > 0 && tag.length <= MAX_TAG_PARTS &&
      tag.every((part) => typeof part === "string")
    );
}
