/**
 * The networks of this build, one line each. A build with fewer networks has fewer lines.
 *
 * @module
 */
import type { Network } from "../ports/network.ts";
import { entry as torrent } from "./torrent/mod.ts";
import { entry as holepunch } from "./holepunch/mod.ts";
import { entry as nostr } from "./nostr/mod.ts";
import { entry as https } from "./default/mod.ts";

/** Every network there is, in the order in which they are tried. */
export const ALL_NETWORKS: readonly Network[] = [
  torrent,
  holepunch,
  nostr,
  https,
];
