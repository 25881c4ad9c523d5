/** The part of ut_metadata 5 (BEP 9) that is used here; `_` marks the package's internals. */
import type Wire from "./bittorrent_protocol.d.ts";

export declare class UtMetadata {
  constructor(wire: Wire);
  /** The raw info dictionary; valid once "metadata" was emitted. */
  metadata?: Uint8Array;
  fetch(): void;
  cancel(): void;
  setMetadata(info: Uint8Array): Promise<boolean>;
  onExtendedHandshake(handshake: Readonly<Record<string, unknown>>): void;
  onMessage(payload: Uint8Array): void;
  on(event: "metadata", listener: (torrent: Uint8Array) => void): this;
  on(event: "warning", listener: (error: Error) => void): this;
}

/** Makes the extension's class; with `info`, one that serves it. */
export default function utMetadata(info?: Uint8Array): typeof UtMetadata;
