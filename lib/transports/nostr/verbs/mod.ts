/**
 * The verbs of `gtr nostr`: for keys and names on Nostr.
 *
 * @module
 */
import type { NetworkVerbs } from "../../../common/verb.ts";

/** Their code for keys is loaded when they run: gtr help loads all verbs. */
export const VERBS: NetworkVerbs = {
  login: () => import("./login.ts"),
  unlock: () => import("./unlock.ts"),
  logout: () => import("./logout.ts"),
  whoami: () => import("./whoami.ts"),
  trust: () => import("./trust.ts"),
};
