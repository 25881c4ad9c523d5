/**
 * Every verb of gtr: the one place that help, manual pages and completions are made from.
 *
 * @module
 */
import { BUNDLES } from "./groups/bundles.ts";
import { FOLLOWING } from "./groups/following.ts";
import { helpVerb } from "./groups/help.ts";
import { IDENTITY } from "./groups/identity.ts";
import { NOSTR } from "./groups/nostr.ts";
import { SHARING } from "./groups/sharing.ts";
import { UPKEEP } from "./groups/upkeep.ts";
import type { Verb } from "./verb.ts";

/** All verbs, in the order that help lists them. Any other word is a git command. */
export const VERBS: readonly Verb[] = [
  ...SHARING,
  ...FOLLOWING,
  ...IDENTITY,
  ...NOSTR,
  ...BUNDLES,
  ...UPKEEP,
  helpVerb(() => VERBS),
];
