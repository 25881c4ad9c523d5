/**
 * Noticing that the DHT can be reached again, or from elsewhere. What was to be announced meanwhile is
 * not found until it is announced anew.
 *
 * @module
 */
import type HyperDHT from "../../types/hyperdht.d.ts";

/** What hyperdht does by itself then, it begins in the same moment. */
const PAUSE_MS = 1_000;

/** Calls back whenever nodes of the DHT answer again after none did. */
export class Returns implements Disposable {
  readonly #dht: HyperDHT;
  readonly #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ended = false;

  constructor(dht: HyperDHT) {
    this.#dht = dht;
    let wasOnline = this.online;
    const look = () => {
      if (this.online && !wasOnline) this.#tell();
      wasOnline = this.online;
    };
    for (const event of ["network-update", "add-node", "remove-node"] as const) dht.on(event, look);
  }

  /** Whether nodes of the DHT answer, as far as is known. */
  get online(): boolean {
    return this.#dht.online && this.#dht.nodes.length > 0;
  }

  add(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** What is announced leads nowhere any more: calls back as after a return. */
  moved(): void {
    this.#tell();
  }

  [Symbol.dispose](): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #tell(): void {
    if (this.#ended) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#listeners.forEach((listener) => listener()), PAUSE_MS);
  }
}
