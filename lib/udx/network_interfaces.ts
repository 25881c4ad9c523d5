/**
 * The addresses of this machine.
 *
 * @module
 */
import { EventEmitter } from "node:events";
import { networkInterfaces as listInterfaces } from "node:os";
import { clearInterval, setInterval } from "node:timers";

const POLL_MS = 5000;

/** One address of one interface. */
export interface NetworkInterface {
  /** The interface's: "eth0". */
  readonly name: string;
  /** The address. */
  readonly host: string;
  /** Of the address. */
  readonly family: 4 | 6;
  /** Not reachable from other machines. */
  readonly internal: boolean;
}

/** All addresses, those of one interface together; none where that isn't permitted. */
export function networkInterfaces(): NetworkInterface[] {
  let all: ReturnType<typeof listInterfaces>;
  try {
    all = listInterfaces();
  } catch {
    return [];
  }
  return Object.entries(all).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, family, internal }) => ({
      name,
      host: address,
      family: String(family).endsWith("6") ? 6 as const : 4 as const,
      internal,
    }))
  );
}

/** Tells of changes: emits "change" with the new list, and "close". */
export class NetworkInterfaces extends EventEmitter {
  /** The addresses as they were when it was looked last. */
  interfaces: NetworkInterface[] = networkInterfaces();
  #timer: ReturnType<typeof setInterval> | undefined;
  #destroying: Promise<void> | undefined;

  /** Watches from now on; that alone doesn't keep the process. */
  watch(): this {
    if (this.#timer !== undefined || this.#destroying) return this;
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    this.#timer.unref();
    return this;
  }

  /** Stops watching. */
  unwatch(): this {
    clearInterval(this.#timer);
    this.#timer = undefined;
    return this;
  }

  /** Stops watching for good. */
  destroy(): Promise<void> {
    this.unwatch();
    return this.#destroying ??= Promise.resolve().then(() => {
      this.emit("close");
    });
  }

  /** The same addresses, one by one. */
  [Symbol.iterator](): IterableIterator<NetworkInterface> {
    return this.interfaces[Symbol.iterator]();
  }

  #look(): void {
    const interfaces = networkInterfaces();
    if (JSON.stringify(interfaces) === JSON.stringify(this.interfaces)) return;
    this.interfaces = interfaces;
    this.emit("change", interfaces);
  }
}
