/**
 * Publishers as they are written: an id or a public key in hex.
 *
 * @module
 */
import { publisherId } from "./keys.ts";

const PUBLISHER = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Whether `text` is a publisher's id (40 lower-case hex digits) or public key (64). */
export function isPublisher(text: unknown): text is string {
  return typeof text === "string" && PUBLISHER.test(text);
}

/** The id of a publisher that is given by id or public key, lower-case hex. */
export function idOf(publisher: string): string {
  return publisher.length === 40 ? publisher : publisherId(Uint8Array.fromHex(publisher));
}
