/**
 * ut_metadata (BEP 9), bounded.
 *
 * @module
 */
// @ts-types="../../../types/ut_metadata.d.ts"
import utMetadata, { type UtMetadata } from "ut_metadata";
import { bencodedLength } from "../bencode.ts";
import { infohashOf } from "./metainfo.ts";
import type { PeerWire } from "./wire.ts";

/** ut_metadata for peers whose message headers may be anything. */
function boundedMetadata(info?: Uint8Array): typeof UtMetadata {
  return class extends utMetadata(info) {
    override onMessage(payload: Uint8Array): void {
      const header = payload.subarray(0, bencodedLength(payload));
      // The package measures the header in characters, and decodes those: they must be bytes.
      if (header.every((byte) => byte < 0x80)) super.onMessage(payload);
    }
  };
}

/** Serves the info dictionary to one peer. */
export function serveMetadata(wire: PeerWire, info: Uint8Array): void {
  wire.protocol.use(boundedMetadata(info));
}

/** What is wanted of {@linkcode fetchMetadata}, and what happens then. */
export interface MetadataRequest {
  readonly infohash: string;
  /** The largest dictionary accepted, in bytes. */
  readonly maxBytes: number;
  /** Called with the dictionary, which hashes to `infohash`. */
  readonly received: (info: Uint8Array) => void;
  /** Called when the peer sent, or announced, something else. */
  readonly lied: () => void;
}

/**
 * Asks one peer for the info dictionary, once connected.
 *
 * The package decodes what it got before it checks the hash, believes any size up to 10 MB, and
 * asks a peer that lied again; this doesn't.
 *
 * @returns a function to call once the dictionary is known: it stops asking, and tells the peer that
 * it may now ask us
 */
export function fetchMetadata(
  wire: PeerWire,
  request: MetadataRequest,
): (info: Uint8Array) => void {
  class RequestedMetadata extends boundedMetadata() {
    override onExtendedHandshake(handshake: Readonly<Record<string, unknown>>): void {
      const size = handshake["metadata_size"];
      if (typeof size === "number" && size > request.maxBytes) return request.lied();
      super.onExtendedHandshake(handshake);
    }

    /** @param info a dictionary that was checked: the package decodes it */
    async known(info: Uint8Array): Promise<void> {
      this.cancel();
      await super.setMetadata(info);
      if (!wire.closed) wire.protocol._sendExtendedHandshake(); // again, now with its size
    }

    override setMetadata(info: Uint8Array): Promise<boolean> {
      this.cancel();
      const honest = infohashOf(info) === request.infohash;
      if (honest) request.received(info);
      else request.lied();
      return Promise.resolve(honest);
    }
  }
  wire.protocol.use(RequestedMetadata);
  const extension = (wire.protocol as unknown as { ut_metadata: RequestedMetadata }).ut_metadata;
  extension.fetch();
  return (info) => void extension.known(info);
}
