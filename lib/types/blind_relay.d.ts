/**
 * What gtr uses of blind-relay 1.6.1. The package has no types of its own.
 *
 * @module
 */

/** One client's requests. Emits errors of the streams that are relayed for it. */
export interface Session {
  on(event: "error", listener: (error: Error) => void): void;
  /** Told for both sides of a pair, before anything comes for the stream. */
  on(
    event: "pair",
    listener: (isInitiator: boolean, token: Uint8Array, stream: object) => void,
  ): void;
}

/** What every stream that is relayed is made with. */
export interface RelayedOptions {
  /** Connects the stream to where its first packet came from; true refuses the packet. */
  readonly firewall: (socket: object, port: number, host: string) => boolean;
}

/** Pairs streams of clients that give the same token. */
declare class RelayServer {
  constructor(options: { readonly createStream: (options: RelayedOptions) => object });
  readonly stats: { readonly pairings: { readonly active: number } };
  /** @param mux a Protomux, or what is used like one */
  accept(mux: object, options: { readonly id: Uint8Array }): Session;
}

/** What asks a relay for pairs. */
interface Client {
  /** Of the same token, one side is the initiator; emits the id of the relay's stream. */
  pair(isInitiator: boolean, token: Uint8Array, stream: object): {
    on(event: "data", listener: (id: number) => void): unknown;
    on(event: "error", listener: (error: Error) => void): unknown;
  };
}

declare const blindRelay: {
  readonly Server: typeof RelayServer;
  readonly Client: { from(stream: object, options: { readonly id: Uint8Array }): Client };
};
export default blindRelay;
