/**
 * Cuts what git's client sends into its requests (gitprotocol-common(5), pkt-line).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { NetworkError } from "../../common/errors.ts";

const HEAD = 4;

/** Collects bytes until a flush packet ends a request of protocol 2. */
export class RequestCutter {
  readonly #most: number;
  #chunks: Uint8Array[] = [];
  #length = 0;
  /** The digits of a length that have come. */
  #digits = "";
  /** Bytes of the packet that are still to come. */
  #rest = 0;

  /** @param most bytes of one request */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * The requests that end in this chunk.
   *
   * @throws {NetworkError} "bad-request" where the bytes are no packets, or too many
   */
  push(chunk: Uint8Array): Uint8Array[] {
    const requests: Uint8Array[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length;) {
      const size = Math.min(this.#rest || HEAD - this.#digits.length, chunk.length - at);
      if (this.#rest > 0) this.#rest -= size;
      else this.#digits += Buffer.from(chunk.subarray(at, at + size)).toString("latin1");
      at += size;
      if (this.#digits.length < HEAD) continue;
      if (!/^[0-9a-f]{4}$/i.test(this.#digits)) throw badRequest("invalid packet length");
      const length = parseInt(this.#digits, 16);
      this.#digits = "";
      this.#rest = Math.max(0, length - HEAD); // 1 and 2 are marks without content
      if (length !== 0) continue;
      this.#keep(chunk.subarray(from, at));
      from = at;
      requests.push(Buffer.concat(this.#chunks));
      this.#chunks = [];
      this.#length = 0;
    }
    this.#keep(chunk.subarray(from));
    return requests;
  }

  #keep(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.#most) throw badRequest(`it has more than ${this.#most} bytes`);
    this.#chunks.push(bytes.slice()); // the caller's is the caller's
  }
}

function badRequest(why: string): NetworkError {
  return new NetworkError("bad-request", `can't send git's request: ${why}`);
}
