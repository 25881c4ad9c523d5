/**
 * What relays say (NIP-01, NIP-42), checked.
 *
 * @module
 */
import { printableLine } from "../../../common/printable.ts";
import { MAX_EVENT } from "../events/event.ts";

/** Longest message that is read, in UTF-16 code units: an event and what is around it. */
export const MAX_MESSAGE = MAX_EVENT + 1024;

/** One message of a relay. */
export type RelayMessage =
  | { readonly type: "EVENT"; readonly subscription: string; readonly event: unknown }
  | {
    readonly type: "OK";
    readonly id: string;
    readonly accepted: boolean;
    readonly reason: string;
  }
  | { readonly type: "EOSE"; readonly subscription: string }
  | { readonly type: "CLOSED"; readonly subscription: string; readonly reason: string }
  | { readonly type: "NOTICE"; readonly reason: string }
  | { readonly type: "AUTH"; readonly challenge: string };

const MAX_REASON = 200;
const MAX_CHALLENGE = 1024;

/** Reads a message; undefined where it is none that a client has to know. */
export function readMessage(data: unknown): RelayMessage | undefined {
  if (typeof data !== "string" || data.length > MAX_MESSAGE) return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(data);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [type, first, second, third] = parts as unknown[];
  if (typeof first !== "string") return undefined;
  switch (type) {
    case "EVENT":
      return { type, subscription: first, event: second };
    case "OK":
      return typeof second === "boolean"
        ? { type, id: first, accepted: second, reason: reasonIn(third) }
        : undefined;
    case "EOSE":
      return { type, subscription: first };
    case "CLOSED":
      return { type, subscription: first, reason: reasonIn(second) };
    case "NOTICE":
      return { type, reason: reasonIn(first) };
    case "AUTH":
      return first.length <= MAX_CHALLENGE ? { type, challenge: first } : undefined;
    default:
      return undefined;
  }
}

/** A relay may put anything there, also what has no text. */
function reasonIn(value: unknown): string {
  return typeof value === "string" ? printableLine(value, MAX_REASON) : "";
}
