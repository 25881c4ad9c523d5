/**
 * A pack and where it is.
 *
 * @module
 */
import type { PackRef } from "./types.ts";

/** A pack on the local disk, whole and verified. */
export interface PackFile {
  readonly pack: PackRef;
  readonly path: string;
}
