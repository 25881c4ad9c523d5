/** The part of streamx 2 that is used here. */
import type { EventEmitter } from "node:events";

type Done = (error: Error | null) => void;

/** Options of {@linkcode Duplex}. */
export interface DuplexOptions {
  mapWritable?(data: unknown): unknown;
  eagerOpen?: boolean;
}

/** A stream that is read and written. */
export class Duplex extends EventEmitter {
  constructor(options?: DuplexOptions);
  readonly destroying: boolean;
  readonly destroyed: boolean;
  readonly _readableState: {
    readonly buffered: number;
    readonly queue: { readonly length: number };
  };
  push(data: Uint8Array | null): boolean;
  write(data: Uint8Array | string): boolean;
  end(data?: Uint8Array | string): this;
  read(): Uint8Array | null;
  pause(): this;
  resume(): this;
  pipe<T extends Duplex>(destination: T, done?: Done): T;
  destroy(error?: Error | null): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array>;
  protected _read(done: Done): void;
  protected _writev(chunks: Uint8Array[], done: Done): void;
  protected _final(done: Done): void;
  protected _predestroy(): void;
  protected _destroy(done: Done): void;
}

/** A stream that is written. */
export class Writable extends Duplex {
  /** Whether all that was written so far was handed over. */
  static drained(stream: Duplex): Promise<boolean>;
}
