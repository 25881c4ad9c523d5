/**
 * Who sent the wrong bytes of a piece. Pure.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { BLOCK } from "./picker.ts";

interface Evidence<P> {
  readonly sender: P;
  readonly hash: string;
}

/**
 * Finds liars among several senders of one piece: what each sent is remembered by its hash, and
 * compared once the right bytes are known.
 */
export class Blame<P> {
  readonly #evidence = new Map<number, Evidence<P>[]>();

  /** A piece failed its check. Returns its sender where there was only one: it lied. */
  failed(piece: number, bytes: Uint8Array, senders: readonly P[]): P | undefined {
    if (new Set(senders).size === 1) return senders[0];
    this.#evidence.set(
      piece,
      senders.map((sender, i) => ({ sender, hash: blockHash(bytes, i) })),
    );
    return undefined;
  }

  /** A piece passed its check: returns those who had sent something else. */
  verified(piece: number, bytes: Uint8Array): Set<P> {
    const evidence = this.#evidence.get(piece);
    if (!evidence) return new Set();
    this.#evidence.delete(piece);
    return new Set(evidence.filter((e, i) => e.hash !== blockHash(bytes, i)).map((e) => e.sender));
  }
}

function blockHash(bytes: Uint8Array, index: number): string {
  const block = bytes.subarray(index * BLOCK, (index + 1) * BLOCK);
  return createHash("sha1").update(block).digest("base64");
}
