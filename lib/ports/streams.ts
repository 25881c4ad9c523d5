/**
 * Live streams: git's own protocol between two peers.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type { SignedManifest } from "../manifest/types.ts";

/** Bytes both ways. */
export interface Duplex {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** `git upload-pack` (protocol 2) of a peer's copy. Closing it for writing ends both directions. */
export interface LiveStream extends Duplex {
  /** Who serves it, for a person: "127.0.0.1:6881". */
  readonly peer: string;
  /** What the peer holds: signed by the publisher, and not older than what was asked for. */
  readonly manifest: SignedManifest;
  /**
   * Ends it at once.
   *
   * @param failed it was of no use: from now on others are dialled before this peer
   */
  close(failed?: boolean): void;
}

/** A repository that can be served live. */
export interface LiveSource {
  readonly manifest: SignedManifest;
  /** Starts `git upload-pack` on it (protocol 2 unless told); the signal's abort ends it. */
  open(signal: AbortSignal, form?: UploadPackForm): Promise<Duplex>;
}

/** Which of its forms `git upload-pack` is started in. */
export interface UploadPackForm {
  /** The wire protocol's version. */
  readonly protocol: 0 | 1 | 2;
  /** Only one exchange of git's HTTP transport, or the refs with which it begins. */
  readonly stateless?: "advertise" | "exchange";
  /** The URL of a bundle, for git that asks what it could begin with (gitprotocol-v2(5)). */
  readonly bundle?: string;
}

/** Finds what a peer asks for; undefined where it is not here, or not whole. */
export type LiveAnswer = (
  wanted: { readonly publisher: string; readonly name: string },
) => Promise<LiveSource | undefined>;

/** A network whose peers serve repositories live; this node's answers: `NetworkContext.live`. */
export interface Streams {
  /**
   * A live stream to any peer that holds the repository as `from` describes it, or newer. The peer
   * shows the publisher's signed manifest; what else it sends is not to be believed.
   *
   * @throws {NetworkError} "no-live-peer" if nobody serves it; "no-source" as for `Packs.fetch`
   */
  dial(from: SignedManifest, wait: Wait): Promise<LiveStream>;
}
