/**
 * Drives {@link ./hyperdht_peer.mjs}.
 *
 * @module
 */
import { join } from "node:path";
import { LinePeer } from "./line_peer.ts";

const ROOT = join(import.meta.dirname!, "..", "..");
const SCRIPT = join(import.meta.dirname!, "hyperdht_peer.mjs");

/** What the peer answers; which of these, depends on the call. */
export interface Answer {
  readonly bootstrap: readonly { readonly host: string; readonly port: number }[];
  readonly relay: string;
  readonly key: string;
  readonly ms: number;
  readonly received: number;
  readonly remoteHost: string;
  readonly bytes: number;
  readonly word: string;
  readonly core: string;
}

/** How to start one. */
export interface PeerOptions {
  /** Where the native stack is, for Node; without, it is ours. */
  readonly native?: string;
  /** The network namespace to run in; without, it is this process' own. */
  readonly namespace?: string;
  /** Ours, without native addons and FFI. */
  readonly withoutAddons?: boolean;
}

/** A process with HyperDHT; disposing of it ends it. */
export class HyperPeer extends LinePeer<Answer> {
  constructor({ native, namespace, withoutAddons }: PeerOptions) {
    const allowed = withoutAddons
      ? ["--allow-read", "--allow-env", "--allow-net", "--allow-sys", "--no-prompt"]
      : ["-A"];
    const config = ["--frozen", "--no-check", "--config", join(ROOT, "deno.json")];
    const program = native
      ? ["node", SCRIPT, native]
      : [Deno.execPath(), "run", ...allowed, ...config, SCRIPT];
    super({ command: namespace ? ["ip", "netns", "exec", namespace, ...program] : program });
  }
}
