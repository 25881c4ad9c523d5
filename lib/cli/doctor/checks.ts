/**
 * What `gtr doctor` looks at.
 *
 * @module
 */
import type { Check } from "./check.ts";
import { clock } from "./clock.ts";
import { disk } from "./disk.ts";
import { git } from "./git.ts";
import { gtd } from "./gtd.ts";
import { helpers } from "./helpers.ts";
import { home } from "./home.ts";
import { identity } from "./identity.ts";
import { log } from "./log.ts";
import { protocols } from "./protocols.ts";
import { reachability } from "./reachability.ts";
import { settings } from "./settings.ts";
import { shares } from "./shares.ts";
import { store } from "./store.ts";

/** In the order in which they are told. */
export const CHECKS: readonly Check[] = [
  ...[git, helpers, protocols],
  ...[home, identity, settings, clock, disk],
  ...[gtd, log, reachability],
  ...[store, shares],
];
