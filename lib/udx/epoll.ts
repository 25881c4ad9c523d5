/**
 * Waits for many sockets with one thread.
 *
 * @module
 */
import { int32, type Libc, libc } from "./libc.ts";

const CTL_ADD = 1;
const CTL_DEL = 2;
const IN = 1;
const NONBLOCK = 0o4000;
const CLOEXEC = 0o2000000;
const MAX_EVENTS = 64;
/**
 * Turns of the event loop in which it is looked for more after something came. Waiting is another
 * thread's work, and going there and back takes longer than an answer on this machine does.
 */
const LOOKS = 10;
/**
 * How long it is looked only, ms: while callbacks of setImmediate follow each other, Deno hardly
 * serves whatever else this process reads and writes.
 */
const MAX_LOOKING = 1;

/** Calls back when a socket has something to read, until it is removed. */
export class Epoll {
  readonly #c: Libc;
  readonly #fd: number;
  readonly #wakeup: number;
  readonly #readers = new Map<number, () => void>();
  /** The structure is packed on x86-64 only. */
  readonly #stride = Deno.build.arch === "x86_64" ? 12 : 16;
  readonly #events = new Uint8Array(MAX_EVENTS * 16);
  #waiting = false;

  constructor(c: Libc) {
    this.#c = c;
    this.#fd = c.epoll_create1(CLOEXEC);
    this.#wakeup = c.eventfd(0, NONBLOCK | CLOEXEC);
    if (this.#fd < 0 || this.#wakeup < 0) throw new Error("can't wait for sockets: too many files");
    c.epoll_ctl(this.#fd, CTL_ADD, this.#wakeup, this.#event(this.#wakeup, IN | (1 << 31)));
  }

  /** Calls `readable` whenever there may be something to read; the process stays until then. */
  add(fd: number, readable: () => void): void {
    this.#readers.set(fd, readable);
    this.#c.epoll_ctl(this.#fd, CTL_ADD, fd, this.#event(fd, IN));
    void this.#wait();
  }

  /** Stops it; the caller closes the file. */
  remove(fd: number): void {
    this.#readers.delete(fd);
    this.#c.epoll_ctl(this.#fd, CTL_DEL, fd, this.#event(fd, 0));
    if (this.#readers.size === 0) this.#c.write(this.#wakeup, ONE, 8n);
  }

  async #wait(): Promise<void> {
    if (this.#waiting) return;
    this.#waiting = true;
    const view = new DataView(this.#events.buffer);
    let waited = performance.now();
    while (this.#readers.size > 0) {
      let n = 0;
      const looks = performance.now() - waited < MAX_LOOKING ? LOOKS : 0;
      for (let i = 0; n === 0 && i < looks && this.#readers.size > 0; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        n = this.#c.epoll_poll(this.#fd, this.#events, MAX_EVENTS, 0);
      }
      if (this.#readers.size === 0) break;
      if (n === 0) {
        n = await this.#c.epoll_wait(this.#fd, this.#events, MAX_EVENTS, -1);
        waited = performance.now();
      }
      for (let i = 0; i < n; i++) {
        this.#readers.get(view.getInt32(i * this.#stride + (this.#stride - 8), true))?.();
      }
    }
    this.#waiting = false;
  }

  #event(fd: number, events: number): Uint8Array<ArrayBuffer> {
    const event = new Uint8Array(16);
    event.set(int32(events));
    event.set(int32(fd), this.#stride - 8);
    return event;
  }
}

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

let shared: Epoll | undefined;

/** The one of this process. */
export function epoll(): Epoll {
  return shared ??= new Epoll(libc()!);
}
