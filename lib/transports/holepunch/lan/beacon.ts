/**
 * Finding other gtds in the local network, and being found: multicast DNS.
 *
 * @module
 */
// @ts-types="../../../types/multicast_dns.d.ts"
import multicastDns from "multicast-dns";
import type { MulticastDns, Packet, Sender } from "../../../types/multicast_dns.d.ts";
import { isOnLink, type LocalAddress } from "./on_link.ts";
import {
  asksForUs,
  type Presence,
  presencePacket,
  readPresence,
  SERVICE,
  TTL_SECONDS,
} from "./records.ts";

/** Gtds that are remembered: whoever floods the network makes no more work than that. */
const MAX_NEIGHBOURS = 32;
/** Of these, at one address: a machine can have several users. */
const MAX_PER_HOST = 4;
/** Answers are multicast, so one a second is for everybody (RFC 6762, section 6). */
const ANSWER_MS = 1_000;
/** When it is asked, after the start; then again before records end. */
const ASK_MS: readonly number[] = [0, 1_000, 3_000];
const ASK_AGAIN_MS = TTL_SECONDS * 1000 / 2;

/** A gtd in the local network, as it says. */
export interface Neighbour extends Presence {
  readonly host: string;
}

/** What {@linkcode Beacon} is made from. */
export interface BeaconOptions {
  /** What is said of this gtd. */
  readonly own: Presence;
  /** The addresses to be found at. */
  readonly locals: readonly LocalAddress[];
  readonly found: () => void;
  readonly dropped: (reason: string) => void;
}

/** Says that a gtd is here, and hears of others. */
export class Beacon implements AsyncDisposable {
  readonly #options: BeaconOptions;
  readonly #sockets: readonly MulticastDns[];
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  /** Key -> where it is, and until when that holds. */
  readonly #neighbours = new Map<string, Neighbour & { readonly until: number }>();
  #answered = -Infinity;
  #answering: ReturnType<typeof setTimeout> | undefined;

  constructor(options: BeaconOptions) {
    this.#options = options;
    this.#sockets = options.locals.map(({ address }) => this.#open(address));
    for (const ms of ASK_MS) this.#timers.push(setTimeout(() => this.#ask(), ms));
    this.#timers.push(setInterval(() => this.#ask(), ASK_AGAIN_MS));
  }

  /** Those that are there as far as is known. */
  get neighbours(): Neighbour[] {
    const now = performance.now();
    for (const [key, { until }] of this.#neighbours) {
      if (until < now) this.#neighbours.delete(key);
    }
    return [...this.#neighbours.values()];
  }

  /** Takes a packet that says something. */
  heard(packet: Packet, { address, port }: Sender): void {
    const { own, locals, found, dropped } = this.#options;
    const presence = readPresence(packet);
    if (!presence || presence.key === own.key) return;
    if (port !== 5353 || !isOnLink(address, locals)) return dropped("lan-elsewhere");
    const { key, gone } = presence;
    const known = this.#neighbours.get(key);
    if (known && known.host !== address) return; // its own word came first; it has several addresses
    if (gone) {
      this.#neighbours.delete(key);
      return;
    }
    if (!known && !this.#hasRoom(address)) return dropped("lan-limit");
    const until = performance.now() + TTL_SECONDS * 1000;
    this.#neighbours.set(key, { key, port: presence.port, host: address, until });
    if (known) return;
    found();
    this.#answer(); // it may have begun to listen after our last answer
  }

  /** It doesn't answer: until it is heard again, it isn't there. */
  forget(key: string): void {
    this.#neighbours.delete(key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of [...this.#timers, this.#answering]) clearTimeout(timer);
    const goodbye = presencePacket(this.#options.own, 0);
    await Promise.all(this.#sockets.map((socket) =>
      new Promise<void>((resolve) => {
        socket.respond(goodbye, null, () => socket.destroy(() => resolve()));
      })
    ));
  }

  #open(address: string): MulticastDns {
    const socket = multicastDns({ interface: address, bind: "0.0.0.0" });
    socket.on("error", () => this.#options.dropped("lan-error"));
    socket.on("warning", () => this.#options.dropped("lan-bad-packet"));
    socket.on("query", (packet) => asksForUs(packet) && this.#answer());
    socket.on("response", (packet, from) => this.heard(packet, from));
    socket.on("ready", () => socket.respond(presencePacket(this.#options.own)));
    return socket;
  }

  #hasRoom(host: string): boolean {
    const all = this.neighbours;
    return all.length < MAX_NEIGHBOURS &&
      all.filter((other) => other.host === host).length < MAX_PER_HOST;
  }

  #ask(): void {
    for (const socket of this.#sockets) socket.query(SERVICE, "PTR");
  }

  /** Says that it is here: at once, or a second after the last time. */
  #answer(): void {
    const wait = Math.max(0, this.#answered + ANSWER_MS - performance.now());
    this.#answering ??= setTimeout(() => {
      this.#answering = undefined;
      this.#answered = performance.now();
      for (const socket of this.#sockets) socket.respond(presencePacket(this.#options.own));
    }, wait);
  }
}
