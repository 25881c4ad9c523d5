/**
 * Canonical JSON (RFC 8785, JCS): one value, one text, so that it can be signed.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";

/** Deepest nesting of arrays and objects; bounds recursion and catches cycles. */
export const MAX_JSON_DEPTH = 64;

/**
 * The canonical text of `value`: no white space, keys sorted by UTF-16 code units, numbers and strings
 * as ECMAScript writes them. Only I-JSON (RFC 7493) has one.
 *
 * @throws {VerificationError} "bad-json" for NaN, infinities, lone surrogates, undefined, anything that
 * is no JSON value, and nesting deeper than {@linkcode MAX_JSON_DEPTH}
 * @example
 * ```ts
 * canonicalJson({ b: 1.0, a: "\u20ac" }); // '{"a":"€","b":1}'
 * ```
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) throw badJson(`the number ${value}`);
      return JSON.stringify(value);
    case "string":
      return writeString(value);
    case "object":
      break;
    default:
      throw badJson(typeof value);
  }
  if (value === null) return "null";
  if (depth === MAX_JSON_DEPTH) throw badJson(`nesting deeper than ${MAX_JSON_DEPTH}`);
  if (Array.isArray(value)) {
    // Array.from visits holes too, which map would skip.
    return `[${Array.from(value, (item) => write(item, depth + 1)).join(",")}]`;
  }
  if (!isPlainObject(value)) throw badJson("an object of a class");
  const members = Object.keys(value).sort().map((key) =>
    `${writeString(key)}:${write(value[key], depth + 1)}`
  );
  return `{${members.join(",")}}`;
}

function writeString(text: string): string {
  if (!text.isWellFormed()) throw badJson("a lone surrogate");
  return JSON.stringify(text);
}

/** Whether `value` is an object as JSON has them: no array, no instance of a class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function badJson(what: string): VerificationError {
  return new VerificationError(
    "bad-json",
    `can't write canonical JSON: it has no form for ${what}`,
  );
}
