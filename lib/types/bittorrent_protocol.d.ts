/**
 * The part of bittorrent-protocol 5 that is used here.
 *
 * Members whose name starts with `_` are the package's internals. They are declared because the
 * bounds that hostile peers must meet can only be set there.
 */
type Callback = (error: Error | null, block?: Uint8Array) => void;

/** What `Wire.use` takes: a class whose prototype carries the extension's name (BEP 10). */
interface ExtensionClass {
  // deno-lint-ignore no-explicit-any -- each extension's prototype is its own
  readonly prototype: any;
  new (wire: Wire): unknown;
}

declare class Wire {
  constructor(type: "tcpIncoming" | "tcpOutgoing", encryption: 0 | 1 | 2);

  readonly peerId: string | null;
  readonly destroyed: boolean;
  readonly amChoking: boolean;
  readonly amInterested: boolean;
  readonly peerChoking: boolean;
  readonly peerInterested: boolean;
  /** What the peer has. */
  readonly peerPieces: { get(piece: number): boolean };
  /** Requests of theirs that were not answered yet. */
  readonly peerRequests: readonly unknown[];
  /** Requests of ours that were not answered yet. */
  readonly requests: readonly unknown[];
  readonly extendedHandshake: Record<string, number | string | Uint8Array>;
  readonly peerExtendedHandshake: Readonly<Record<string, unknown>>;
  readonly peerExtendedMapping: Readonly<Record<string, number>>;
  readonly uploaded: number;
  readonly downloaded: number;
  /** Bytes per second over the last five seconds. */
  uploadSpeed(): number;
  downloadSpeed(): number;

  use(extension: ExtensionClass): void;
  /** Begins an MSE handshake. */
  startEncryption(infohash: string): void;
  /** Answers "crypto-infohash". */
  setInfoHash(infohash: string): void;
  setKeepAlive(enable: boolean): void;
  handshake(
    infohash: string,
    peerId: string,
    extensions: { dht: boolean; fast: boolean },
  ): void;
  choke(): void;
  unchoke(): void;
  interested(): void;
  uninterested(): void;
  have(piece: number): void;
  bitfield(bits: Uint8Array): void;
  request(piece: number, offset: number, length: number, answered: Callback): void;
  /** Sends a message of an extension that the peer knows. */
  extended(extension: string, payload: Uint8Array): void;
  cancel(piece: number, offset: number, length: number): void;

  on(event: "handshake", listener: (infohash: string, peerId: string) => void): this;
  on(event: "crypto-handshake", listener: () => void): this;
  /** MSE: SHA-1 of "req2" and the infohash that the peer asks for. */
  on(event: "crypto-infohash", listener: (hash: string) => void): this;
  on(event: "choke" | "unchoke" | "interested" | "uninterested", listener: () => void): this;
  on(event: "bitfield", listener: () => void): this;
  on(event: "have", listener: (piece: number) => void): this;
  on(
    event: "request",
    listener: (piece: number, offset: number, length: number, respond: Callback) => void,
  ): this;
  on(event: "cancel", listener: (piece: number, offset: number, length: number) => void): this;
  on(event: "extended", listener: (name: string, payload: unknown) => void): this;
  on(event: "data", listener: (bytes: Uint8Array) => void): this;
  on(event: "close" | "end" | "finish", listener: () => void): this;
  on(event: "error", listener: (error: Error) => void): this;

  write(bytes: Uint8Array): boolean;
  end(): void;
  destroy(): void;

  _write(bytes: Uint8Array, done: (error: Error | null) => void): void;
  _sendExtendedHandshake(): void;
  _onMessageLength(header: Uint8Array): void;
  _onExtended(extension: number, payload: Uint8Array): void;
}

export default Wire;
