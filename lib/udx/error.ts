/**
 * Errors of streams and sockets: `code` is the system's name of what happened, as users of
 * udx-native expect.
 *
 * @module
 */

/** Codes of {@linkcode UdxError}. */
export type UdxErrorCode =
  | "ECONNRESET"
  | "ETIMEDOUT"
  | "EADDRINUSE"
  | "EADDRNOTAVAIL"
  | "EACCES"
  | "EINVAL"
  | "ERR_ASSERTION";

/** A stream or socket failed. */
export class UdxError extends Error {
  /** What happened. */
  readonly code: UdxErrorCode;

  /** An error with a code beside what every error has. */
  constructor(code: UdxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UdxError";
    this.code = code;
  }
}

/** The other side gave up the stream. */
export function connectionReset(): UdxError {
  return new UdxError("ECONNRESET", "connection reset by peer");
}

/** The other side no longer answers. */
export function connectionTimedOut(): UdxError {
  return new UdxError("ETIMEDOUT", "connection timed out");
}
