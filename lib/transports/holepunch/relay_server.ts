/**
 * A blind relay for peers whose routers let no hole be punched: it forwards their encrypted packets
 * from one to the other, within limits, and can read nothing of them. The protocol is that of the
 * npm package blind-relay, which hyperdht's `relayThrough` speaks.
 *
 * @module
 */
import { RateLimiter } from "../../common/rate_limiter.ts";
import { blindRelay, Protomux } from "../../hyperdht/blind_relay.ts";
import HyperDHT from "../../hyperdht/mod.ts";
import type { RelayedOptions } from "../../types/blind_relay.d.ts";
import type { KeyPair, NoiseStream, Server } from "../../types/hyperdht.d.ts";
import { type Guest, Guests } from "./guests.ts";
import type { HyperNode } from "./node.ts";

/** Requests of one connection: hyperdht makes one for each pair, and takes the pair back at most. */
const REQUESTS = 8;

/** What strangers may use of a relay. */
export interface RelayLimits {
  /** Connections at once; a pair has two. */
  readonly connections: number;
  /** Of these, from one IP address. */
  readonly perPeer: number;
  /** Bytes per second that are forwarded for all together; what is more is dropped. 0: no limit. */
  readonly rate: number;
  /** Seconds that a connection may last, and what is relayed for it. */
  readonly seconds: number;
}

/** What {@linkcode RelayServer.open} makes one of. */
export interface RelayOptions {
  readonly node: HyperNode;
  /** The 32 bytes of which the key pair is made that clients know the relay by. */
  readonly seed: Uint8Array;
  readonly limits: RelayLimits;
  readonly dropped: (reason: string) => void;
}

/** Relays for whoever connects to its key. */
export class RelayServer {
  readonly #options: RelayOptions;
  readonly #keys: KeyPair;
  readonly #limiter: RateLimiter;
  readonly #relay = new blindRelay.Server({ createStream: (options) => this.#stream(options) });
  readonly #guests: Guests;
  /** Stream that is relayed -> whose packets it takes. */
  readonly #owners = new WeakMap<object, NoiseStream>();
  #server: Server | undefined;
  #ended = false;

  private constructor(options: RelayOptions) {
    this.#options = options;
    this.#keys = HyperDHT.keyPair(options.seed);
    const { connections, perPeer, rate } = options.limits;
    this.#guests = new Guests({ connections, perHost: perPeer }, (what) => {
      options.dropped(what === "limit" ? "relay-limit" : "silent-peer");
    });
    this.#limiter = new RateLimiter(rate);
  }

  /** Begins to take clients. Before it is announced in the DHT, who knows the way can connect. */
  static open(options: RelayOptions): RelayServer {
    const made = new RelayServer(options);
    const admit = () => !made.#ended && made.#guests.admits();
    void options.node.listen(admit, (stream) => made.#accept(stream), made.#keys).then(
      (server) => {
        made.#server = server;
        if (made.#ended) void server.close();
      },
      () => {}, // the node is closed
    );
    return made;
  }

  /** Its key, 64 hex digits. */
  get key(): string {
    return this.#keys.publicKey.toString("hex");
  }

  /** Pairs of peers that it relays for at this moment. */
  get pairs(): number {
    return this.#relay.stats.pairings.active;
  }

  /** Ends all connections. */
  close(): void {
    this.#ended = true;
    for (const [client] of this.#guests) client.destroy();
    void this.#server?.close();
  }

  #accept(client: NoiseStream): void {
    if (this.#ended) return client.destroy();
    const { limits, dropped } = this.#options;
    const guest = this.#guests.welcome(client);
    if (!guest) return;
    const timer = setTimeout(() => {
      dropped("relay-too-long");
      client.destroy();
    }, limits.seconds * 1000);
    client.on("close", () => clearTimeout(timer));
    const session = this.#relay.accept(this.#bounded(client, guest), {
      id: client.remotePublicKey,
    });
    session.on("error", () => {}); // a pair ended, as its peers know themselves
    session.on("pair", (_isInitiator, _token, stream) => this.#owners.set(stream, client));
  }

  /** The client's messages, of which blind-relay would keep any number. */
  #bounded(client: NoiseStream, guest: Guest): object {
    const mux = Protomux.from(client);
    let left = REQUESTS;
    return {
      isProtomux: true,
      stream: client,
      createChannel: (options: object) => {
        const channel = mux.createChannel(options);
        const add = channel.addMessage.bind(channel);
        channel.addMessage = ({ onmessage, ...message } = {}) =>
          add({
            ...message,
            onmessage: onmessage && ((content, from) => {
              guest.active = true;
              if (left-- > 0) return onmessage(content, from);
              if (left === -1) this.#options.dropped("relay-limit");
              client.destroy();
            }),
          });
        return channel;
      },
    };
  }

  #stream({ firewall }: RelayedOptions): object {
    const stream: object = this.#options.node.dht.createRawStream({
      framed: true,
      forward: (bytes: number) => this.#limiter.tryTake(bytes),
      // Whoever knows a stream's number could have packets sent to a third party in its name.
      firewall: (socket: object, port: number, host: string) => {
        const client = this.#owners.get(stream)?.rawStream;
        if (client?.remoteHost !== host || client.remotePort !== port) return true;
        return firewall(socket, port, host);
      },
    });
    return stream;
  }
}
