/**
 * Drives {@link ./udx_peer.mjs}: an end of UDX streams in a process of its own.
 *
 * @module
 */
import { join } from "node:path";
import { LinePeer } from "./line_peer.ts";

const SCRIPT = join(import.meta.dirname!, "udx_peer.mjs");
const ROOT = join(import.meta.dirname!, "..", "..");

/** What the peer answers; which of these, depends on the call. */
export interface Answer {
  readonly port: number;
  readonly bytes: number;
  readonly sha1: string;
  readonly ms: number;
  readonly text: string;
  readonly reason: string | null;
  readonly flushed: boolean;
  readonly mtu: number;
  readonly rtt: number;
  readonly retransmits: number;
  readonly remotePort: number;
  readonly rss: number;
}

/** How to start one. */
export interface PeerOptions {
  /** Where udx-native is; without, it is ours. */
  readonly native?: string;
  /** "dgram": ours, without the faster back-end. */
  readonly backend?: string;
}

/** A process with a UDX; disposing of it ends it. */
export class UdxPeer extends LinePeer<Answer> {
  constructor({ native, backend }: PeerOptions = {}) {
    const command = native
      ? ["node", SCRIPT, native]
      : [Deno.execPath(), "run", "-A", "--no-lock", "--config", join(ROOT, "deno.json"), SCRIPT];
    super({ command, env: { UDX_BACKEND: backend ?? "" } });
  }
}
