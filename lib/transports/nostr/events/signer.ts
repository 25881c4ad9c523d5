/**
 * What signs events.
 *
 * @module
 */
import { finalizeEvent, getPublicKey } from "nostr-tools/pure";
import { GtrError } from "../../../common/errors.ts";
import type { EventTemplate, NostrEvent } from "./event.ts";

/** A Nostr key, wherever it is kept. */
export interface NostrSigner {
  /** Public key (BIP-340, x only), 64 hex digits. */
  readonly pubkey: string;
  /**
   * The event of `template`, signed by this key.
   *
   * @throws {NetworkError} where the key is kept by a program that doesn't answer
   */
  sign(template: EventTemplate, signal: AbortSignal): Promise<NostrEvent>;
  /** Forgets the key. */
  close(): void;
}

/**
 * Signs with a secret key in this process's memory.
 *
 * @param secret 32 bytes, a valid secp256k1 scalar; they become the signer's
 */
export function localSigner(secret: Uint8Array): NostrSigner {
  let key: Uint8Array | undefined = secret;
  return {
    pubkey: getPublicKey(secret),
    sign(template) {
      if (key === undefined) {
        return Promise.reject(new GtrError("closed", "can't sign an event: the key was closed"));
      }
      const { kind, created_at, tags, content } = template;
      const { id, pubkey, sig } = finalizeEvent({ kind, created_at, tags, content }, key);
      return Promise.resolve({ id, pubkey, created_at, kind, tags, content, sig });
    },
    close() {
      key?.fill(0);
      key = undefined;
    },
  };
}
