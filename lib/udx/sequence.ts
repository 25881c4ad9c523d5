/**
 * Sequence numbers: they count packets, modulo 2^32.
 *
 * @module
 */

/**
 * How far `a` is ahead of `b`: negative where it is behind. Right for numbers less than 2^31 apart.
 */
export function distance(a: number, b: number): number {
  return (a - b) | 0;
}

/** The sequence number `n` after `seq`; `n` may be negative. */
export function advance(seq: number, n = 1): number {
  return (seq + n) >>> 0;
}
