/** The part of ut_pex 5 (BEP 11) that is used here; `_` marks the package's internals. */
import type Wire from "./bittorrent_protocol.d.ts";

export declare class UtPex {
  constructor(wire: Wire);
  start(): void;
  stop(): void;
  reset(): void;
  /** @param peer "host:port", IPv4 */
  addPeer(peer: string, flags?: { isReachable?: boolean; isSender?: boolean }): void;
  dropPeer(peer: string): void;
  /** @param peer "[host]:port", IPv6 */
  addPeer6(peer: string, flags?: { isReachable?: boolean; isSender?: boolean }): void;
  dropPeer6(peer: string): void;
  onMessage(payload: Uint8Array): void;
  on(event: "peer", listener: (peer: string) => void): this;
  on(event: "warning", listener: (error: Error) => void): this;

  _sendMessage(): void;
  _lastMessageTimestamp: number;
  _remoteAddedPeers: Record<string, unknown>;
  _remoteDroppedPeers: Record<string, unknown>;
  _localAddedPeers: Record<string, unknown>;
  _localDroppedPeers: Record<string, unknown>;
}

/** Makes the extension's class. */
export default function utPex(): typeof UtPex;
