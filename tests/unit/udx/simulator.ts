/**
 * Two connections and a path between them, in virtual time: minutes of a bad path take
 * milliseconds, and every run with one seed is the same.
 *
 * @module
 */
import { Connection, type ConnectionSink } from "../../../lib/udx/connection.ts";
import type { UdxError } from "../../../lib/udx/error.ts";
import { encodeHeader, type Header, HEADER_SIZE } from "../../../lib/udx/packet.ts";
import type { Route } from "../../../lib/udx/route.ts";

/** What the path does to each packet. Times in ms. */
export interface Path {
  /** One way. */
  readonly delay: number;
  /** More delay for each packet, at random, up to this: reorders. */
  readonly jitter?: number;
  /** Chance that a packet is lost, and that it comes twice. */
  readonly loss?: number;
  readonly duplicate?: number;
  /** Bytes per ms; a queue of at most `queue` bytes is in front of it. */
  readonly rate?: number;
  readonly queue?: number;
  /** Larger packets, with IP and UDP headers, are lost. */
  readonly mtu?: number;
  /** Decides for each packet whether it is lost, beside chance. */
  readonly drop?: (packet: Uint8Array, from: Side, now: number) => boolean;
}

export type Side = "a" | "b";

/** One end: what it received, and what happened to it. */
export class End implements ConnectionSink {
  readonly connection: Connection;
  readonly received: Uint8Array[] = [];
  readonly messages: Uint8Array[] = [];
  bytes = 0;
  ended = false;
  over = false;
  error: UdxError | null = null;
  remoteChanges = 0;
  sentPackets = 0;
  /** While true, what is delivered counts as unread. */
  stalled = false;
  crowded = false;
  #unread = 0;
  #lastWord: Uint8Array | undefined;

  constructor(readonly side: Side, readonly world: Simulator, seq: number) {
    this.connection = new Connection(this, world.now, seq);
  }

  transmit(packet: Uint8Array): void {
    this.sentPackets++;
    this.world.carry(this.side, packet);
  }

  data(payload: Uint8Array): void {
    this.received.push(payload.slice());
    this.bytes += payload.length;
    if (this.stalled) this.#unread += payload.length;
  }

  unread(): number {
    return this.#unread;
  }

  isCrowded(): boolean {
    return this.crowded;
  }

  /** Reads what was unread, from now on at once. */
  resume(): void {
    this.stalled = false;
    this.#unread = 0;
    this.connection.read();
  }

  end(): void {
    this.ended = true;
  }

  message(payload: Uint8Array): void {
    this.messages.push(payload.slice());
  }

  acknowledged(): void {}

  remoteChanged(): void {
    this.remoteChanges++;
  }

  closed(error: UdxError | null): void {
    this.over = true;
    this.error = error;
    // As a socket does for streams that have ended: see lib/udx/lingering.ts.
    if (!error && this.ended) this.#lastWord = this.connection.acknowledgement();
  }

  /** Takes a packet as a socket would. */
  receive(packet: Uint8Array, now: number): void {
    if (this.over) {
      if (this.#lastWord) this.world.carry(this.side, this.#lastWord);
      return;
    }
    this.connection.feed(packet, now);
    this.connection.flush();
  }

  /** Gives the connection a packet that the other side didn't send. */
  forge(header: Partial<Header>, now: number, payload = new Uint8Array(0)): void {
    const packet = new Uint8Array(HEADER_SIZE + payload.length);
    const full = { type: 0, offset: 0, stream: 1, window: 1 << 20, seq: 0, ack: 0, ...header };
    encodeHeader(packet, full);
    packet.set(payload, HEADER_SIZE);
    this.receive(packet, now);
  }

  /** Everything received, in one piece. */
  text(): Uint8Array {
    const all = new Uint8Array(this.bytes);
    let at = 0;
    for (const chunk of this.received) {
      all.set(chunk, at);
      at += chunk.length;
    }
    return all;
  }
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A world of two ends. */
export class Simulator {
  now = 0;
  readonly a: End;
  readonly b: End;
  /** Packets that were lost by chance, and because the queue was full. */
  lost = 0;
  overflowed = 0;
  #path: Path;
  #events: Event[] = [];
  #order = 0;
  #random: () => number;
  readonly #acks: Record<Side, number>;
  #busyUntil: Record<Side, number> = { a: 0, b: 0 };

  /** @param options seeds chance, numbers the first packets; b may be connected later */
  constructor(
    path: Path,
    options: { seed?: number; seqA?: number; seqB?: number; connectB?: boolean } = {},
  ) {
    this.#path = path;
    this.#random = mulberry32(options.seed ?? 1);
    const { seqA = 0, seqB = 0 } = options;
    this.a = new End("a", this, seqA);
    this.b = new End("b", this, seqB);
    this.#acks = { a: seqB, b: seqA };
    this.connect("a");
    if (options.connectB ?? true) this.connect("b");
  }

  /** Tells one end where the other one is. */
  connect(side: Side): void {
    this[side].connection.connect(route(side === "a" ? "b" : "a"), this.now, this.#acks[side]);
  }

  /** Changes the path for packets sent from now on. */
  set path(path: Path) {
    this.#path = path;
  }

  /** Runs `action` at a time. */
  at(time: number, action: () => void): void {
    this.#schedule(time, action);
  }

  /** Puts a packet on its way. */
  carry(from: Side, packet: Uint8Array): void {
    const path = this.#path;
    const size = packet.length + 28;
    if (path.drop?.(packet, from, this.now) || size > (path.mtu ?? Infinity)) {
      this.lost++;
      return;
    }
    if (this.#random() < (path.loss ?? 0)) {
      this.lost++;
      return;
    }
    const copies = this.#random() < (path.duplicate ?? 0) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      let arrival = this.now + path.delay + this.#random() * (path.jitter ?? 0);
      if (path.rate) {
        const start = Math.max(this.now, this.#busyUntil[from]);
        if ((start - this.now) * path.rate > (path.queue ?? Infinity)) {
          this.overflowed++;
          continue;
        }
        this.#busyUntil[from] = start + size / path.rate;
        arrival += this.#busyUntil[from] - this.now;
      }
      const copy = packet.slice();
      const to = from === "a" ? this.b : this.a;
      this.#schedule(arrival, () => {
        to.receive(copy, this.now);
      });
    }
  }

  /**
   * Lets time pass until `done`, or until nothing more would ever happen.
   *
   * @throws where that takes more than `limit` ms of virtual time
   */
  run(done: () => boolean = () => false, limit = 600_000): void {
    while (!done()) {
      const event = this.#events[0];
      const timer = Math.min(this.a.connection.deadline, this.b.connection.deadline);
      const next = Math.min(event?.at ?? Infinity, timer);
      if (next === Infinity) return;
      if (next > limit) throw new Error(`not done after ${limit} ms of virtual time`);
      this.now = Math.max(this.now, next);
      if (event && event.at <= timer) {
        this.#pop();
        event.run();
      } else {
        for (const { connection } of [this.a, this.b]) {
          if (connection.deadline <= this.now) connection.onTimer(this.now);
        }
      }
    }
  }

  /** Lets time pass until `time`, ms. */
  pass(time: number): void {
    let there = false;
    this.#schedule(time, () => {
      there = true;
    });
    this.run(() => there, time);
  }

  #schedule(at: number, run: () => void): void {
    const heap = this.#events;
    const event = { at, order: this.#order++, run };
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(event, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = event;
  }

  #pop(): void {
    const heap = this.#events;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let i = 0;
    while (true) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function route(to: Side): Route {
  return { id: to === "a" ? 1 : 2, host: "127.0.0.1", port: 1, family: 4 };
}

/** Bytes that differ from each other, as a function of the seed. */
export function noise(length: number, seed = 7): Uint8Array {
  const random = mulberry32(seed);
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = random() * 256;
  return bytes;
}

/** Random numbers from 0 to 1, the same for the same seed. */
export function mulberry32(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
