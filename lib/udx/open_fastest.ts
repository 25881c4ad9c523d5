/**
 * The choice between the ways to have a UDP socket.
 *
 * @module
 */
import type { Backend, BackendEvents, BackendOptions } from "./backend.ts";
import { openDgram } from "./backend_dgram.ts";
import { mmsgAvailable, openMmsg } from "./backend_mmsg.ts";

/** The fastest back-end that this process may use. */
export function openFastest(options: BackendOptions, events: BackendEvents): Backend {
  return (mmsgAvailable() ? openMmsg : openDgram)(options, events);
}
