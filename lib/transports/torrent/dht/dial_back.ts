/**
 * The query `gtr_dial`: "can you connect to me?". BitTorrent's DHT has nothing of the kind for TCP, so
 * only other gtrs answer it. Who is asked connects to the address that the query came from, once, and
 * hangs up; whether it got through the asker sees by itself.
 *
 * That address has to be proved by a token, as for `announce_peer` (BEP 5). So nobody can make a node
 * connect to a third party, and one address (of IPv6: 64 bits) gets one connection within {@linkcode PAUSE_MS}.
 *
 * @module
 */
import { connect } from "node:net";
import { placeOf } from "../../../common/ip_address.ts";

/** The query's name. */
export const DIAL = "gtr_dial";
/** How long an address waits for its next connection. */
export const PAUSE_MS = 10_000;
/** How long a connection may take: a lost SYN is sent again after one second. */
export const DIAL_MS = 3_000;
/** Connections at once, and addresses that are remembered. */
const MAX_DIALS = 8;
const MAX_REMEMBERED = 1_000;

/** Connects back to those who ask. */
export class DialBack implements Disposable {
  readonly #dialled = new Map<string, number>();
  readonly #open = new Set<Disposable>();
  #isClosed = false;

  /** @returns whether a connection is on its way; false if there were too many, or after the end */
  dial(host: string, port: number, now = performance.now()): boolean {
    if (this.#isClosed) return false;
    const place = placeOf(host);
    const last = this.#dialled.get(place);
    if (last !== undefined && now - last < PAUSE_MS) return false;
    if (this.#open.size >= MAX_DIALS) return false;
    this.#dialled.delete(place);
    this.#dialled.set(place, now);
    if (this.#dialled.size > MAX_REMEMBERED) {
      this.#dialled.delete(this.#dialled.keys().next().value!);
    }
    this.#connect(host, port);
    return true;
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const open of this.#open) open[Symbol.dispose]();
  }

  #connect(host: string, port: number): void {
    const socket = connect({ host, port });
    const end = { [Symbol.dispose]: () => void socket.destroy() };
    this.#open.add(end);
    socket.setTimeout(DIAL_MS, () => socket.destroy());
    socket.once("connect", () => socket.destroy());
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#open.delete(end));
  }
}
