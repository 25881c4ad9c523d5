/**
 * Petnames: a person's own short names for publishers.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";

/** A letter or digit, then up to 63 letters, digits, `_`, `.`, `-`. */
const PETNAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
/** Long runs of hex digits are ids, also when a digit got lost in copying. */
const LIKE_AN_ID = /^[0-9a-f]{32,}$/i;

/** Whether `text` is so much like a publisher's id or public key that it can't be a petname. */
export function looksLikeId(text: string): boolean {
  return LIKE_AN_ID.test(text);
}

/** Whether `text` has the form of a petname. */
export function isPetname(text: string): boolean {
  return PETNAME.test(text) && !looksLikeId(text);
}

/**
 * Returns `name` where it can be a petname.
 *
 * @throws {UsageError} "bad-name"
 */
export function checkPetname(name: string): string {
  if (isPetname(name)) return name;
  const why = looksLikeId(name)
    ? "it looks like a publisher's id"
    : "it has not the form of a name";
  throw new UsageError("bad-name", `can't use '${name.slice(0, 80)}' as a name: ${why}`, {
    hint: "a name is a letter or digit, then up to 63 letters, digits, '_', '.' or '-'",
  });
}
