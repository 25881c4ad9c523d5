/** The part of `ws` that this program uses; the package brings no types. */

import type { EventEmitter } from "node:events";
import type { LookupFunction } from "node:net";

export interface WebSocketOptions {
  /** Bytes of a message, all its parts together, above which the connection ends with an error. */
  readonly maxPayload: number;
  /** Whether messages may be compressed. */
  readonly perMessageDeflate: boolean;
  /** Looks the server's name up; undefined: the system's way. */
  readonly lookup?: LookupFunction;
}

export interface WebSocketEvents {
  open: [];
  message: [data: Uint8Array, isBinary: boolean];
  close: [];
  error: [error: Error];
}

export class WebSocket extends EventEmitter<WebSocketEvents> {
  static readonly OPEN: number;
  constructor(url: string, options: WebSocketOptions);
  readonly readyState: number;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  send(data: string): void;
  /** Says goodbye, and closes once the other side has. */
  close(): void;
  /** Cuts the connection. */
  terminate(): void;
}
