/**
 * Hearing of publications from those who have them.
 *
 * @module
 */
import type { Manifest } from "../manifest/types.ts";

/** A network whose peers or servers tell of news by themselves. */
export interface Notices {
  /**
   * Keeps in touch with peers of a repository until disposed, and calls the listener with the
   * sequence number of each publication that one of them tells of. That is a hint and proves nothing:
   * only resolving does.
   */
  watch(manifest: Manifest, listener: (sequence: number) => void): Disposable;
}
