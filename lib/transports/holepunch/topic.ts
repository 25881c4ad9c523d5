/**
 * Where peers of a repository meet.
 *
 * @module
 */
import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { publisherId } from "../../identity/keys.ts";
import type { Manifest } from "../../manifest/types.ts";

/**
 * The topic of HyperDHT under which everybody who has a repository announces itself: SHA-256 of
 * "gtr-holepunch-v1", a zero byte, and "<id>/<name>". It follows from the shortest form of the address.
 */
export function topicOf(id: string, name: string): Buffer {
  return createHash("sha256").update(`gtr-holepunch-v1\0${id}/${name}`).digest();
}

/** "<id>/<name>" */
export function repositoryOf({ publisher, name }: Pick<Manifest, "publisher" | "name">): string {
  return `${publisherId(Uint8Array.fromHex(publisher))}/${name}`;
}
