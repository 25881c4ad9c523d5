/**
 * What is fuzzed: a piece of the program that reads what strangers send.
 *
 * @module
 */
import assert from "node:assert/strict";
import { GtrError } from "../../lib/common/errors.ts";

/** One of them. A file in `targets/` exports its maker. */
export interface Target extends AsyncDisposable {
  /** How inputs are made from others, beside changing bytes. */
  readonly form: "bytes" | "json" | "bencode" | "packets";
  /** Longest input, in bytes. */
  readonly maxBytes: number;
  /**
   * Reads the input, and says whether it was accepted. Throws where something is wrong with the
   * program: any error but a typed one, and any assertion.
   */
  check(input: Uint8Array): boolean | Promise<boolean>;
}

/** Makes a target; `folder` is for files of its own. */
export type MakeTarget = (folder: string) => Target | Promise<Target>;

/** What an input was read as, or undefined where it was refused as it should be. */
export function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assertTyped(error);
    return undefined;
  }
}

/** The same for what takes time. */
export async function acceptedLater<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    assertTyped(error);
    return undefined;
  }
}

/** Input is refused by typed errors of bounded length, which a person can be shown. */
export function assertTyped(error: unknown): asserts error is GtrError {
  if (!(error instanceof GtrError)) throw error;
  assert.match(error.code, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  assert.notEqual(error.code, "internal");
  assert.ok(error.message.length < 5000, "a message of bounded length");
}

/** A target without anything to clean up. */
export function simple(target: Omit<Target, typeof Symbol.asyncDispose>): Target {
  return { ...target, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The input as text, one character for each byte that isn't UTF-8. */
export function textOf(input: Uint8Array): string {
  return new TextDecoder().decode(input);
}

/** Pieces that an input is cut into; what is left is the last one. */
const MAX_PIECES = 48;

/** A stream of the bytes in pieces of sizes that follow from them. */
export function inPieces(input: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  let pieces = 0;
  return new ReadableStream({
    pull(controller) {
      if (at === input.length) return controller.close();
      const byte = input[at]!;
      const size = ++pieces < MAX_PIECES ? 1 + (byte % 61) * (byte % 5) : input.length;
      controller.enqueue(input.slice(at, at + size));
      at = Math.min(at + size, input.length);
    },
  });
}
