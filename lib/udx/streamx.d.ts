/** The part of streamx 2 that is used here. */
import type { EventEmitter } from "node:events";

/** Options of {@linkcode Duplex}. */
export interface DuplexOptions {
  /** Makes of what is written what is sent. */
  mapWritable?(data: unknown): unknown;
  /** Whether it opens before it is read or written. */
  eagerOpen?: boolean;
}

/** A stream that is read and written. Emits "data", "readable", "end", "drain", "error", "close". */
export class Duplex extends EventEmitter {
  /** A stream that is open once it is used. */
  constructor(options?: DuplexOptions);
  /** Whether it is over, or about to be. */
  readonly destroying: boolean;
  /** Whether it is over. */
  readonly destroyed: boolean;
  /** @internal */
  readonly _readableState: {
    readonly buffered: number;
    readonly queue: { readonly length: number };
  };
  /** Has the reader get this next; null: the end. */
  push(data: Uint8Array | null): boolean;
  /** Sends data; a string in UTF-8. False: wait for "drain" before the next. */
  write(data: Uint8Array | string): boolean;
  /** Sends data, and ends this side's half then. */
  end(data?: Uint8Array | string): this;
  /** What came, if something did. */
  read(): Uint8Array | null;
  /** Lets no more come. */
  pause(): this;
  /** Lets more come; without a reader it is lost. */
  resume(): this;
  /** Sends all that comes through another stream. */
  pipe<T extends Duplex>(destination: T, done?: (error: Error | null) => void): T;
  /** Ends both halves at once; an error is emitted as "error". */
  destroy(error?: Error | null): void;
  /** All that comes, until the other side ends its half. */
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
  /** @internal */
  protected _read(done: (error: Error | null) => void): void;
  /** @internal */
  protected _writev(chunks: Uint8Array[], done: (error: Error | null) => void): void;
  /** @internal */
  protected _final(done: (error: Error | null) => void): void;
  /** @internal */
  protected _predestroy(): void;
  /** @internal */
  protected _destroy(done: (error: Error | null) => void): void;
}

/** A stream that is written. */
export class Writable extends Duplex {
  /** Whether all that was written so far was handed over. */
  static drained(stream: Duplex): Promise<boolean>;
}
