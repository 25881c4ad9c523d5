/**
 * Finding the path's MTU with packets of the stream itself, padded (after RFC 8899). A lost probe
 * says something about its size, not about congestion; it is sent again without its padding.
 *
 * @module
 */

/** What every path is taken to carry, bytes of IP packet. */
export const BASE_MTU = 1200;
const MAX_MTU = 1500;
const STEP = 32;
const MAX_TRIES = 3;
/** A byte of the header says how long the padding is. */
const MAX_PADDING = 255;

/** The search for one path. */
export class MtuSearch {
  /** The largest size, with IP and UDP headers, known to get through. */
  mtu = BASE_MTU;
  #target = BASE_MTU;
  #tries = 0;
  #leap = true;
  #state: "unconfirmed" | "probe" | "waiting" | "done" = "unconfirmed";

  /** The padding that makes a packet of `size` bytes (with IP and UDP headers) the next probe, or 0. */
  padding(size: number): number {
    if (this.#state !== "probe") return 0;
    const padding = this.#target - size;
    return padding > 0 && padding <= MAX_PADDING ? padding : 0;
  }

  /** A probe left. */
  sent(): void {
    this.#tries++;
    this.#state = "waiting";
  }

  /** A packet that was no probe arrived: the path works, the search may begin. */
  confirmed(): void {
    if (this.#state === "unconfirmed") this.#aim();
  }

  /** The probe arrived. */
  arrived(): void {
    if (this.#state !== "waiting") return;
    this.mtu = this.#target;
    this.#tries = 0;
    this.#aim();
  }

  /** The probe was lost. */
  lost(): void {
    if (this.#state !== "waiting") return;
    if (this.#leap) { // most paths carry the most; those that don't are searched step by step
      this.#leap = false;
      this.#tries = 0;
      this.#aim();
    } else {
      this.#state = this.#tries < MAX_TRIES ? "probe" : "done";
    }
  }

  #aim(): void {
    if (this.mtu === MAX_MTU) {
      this.#state = "done";
      return;
    }
    this.#target = Math.min(MAX_MTU, this.mtu + (this.#leap ? MAX_PADDING : STEP));
    this.#state = "probe";
  }
}
