/**
 * How much space is left for the home.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes } from "../output.ts";
import { type Check, failed, ok, warning } from "./check.ts";

/** Below this a publication may fail at any time, in bytes. */
const FULL = 64 << 20;
/** Below this a repository of some size doesn't fit. */
const SCARCE = 1 << 30;

export const disk: Check = {
  what: "disk",
  run: async ({ call: { home } }) => {
    const { bavail, bsize } = await spaceAt(home.root);
    const free = bavail * bsize;
    const why = `${formatBytes(free)} left for ${home.root}`;
    const hint = "free some space, or move the home: GTR_HOME";
    if (free < FULL) return [failed("disk", `only ${why}`, hint)];
    return [free < SCARCE ? warning("disk", `only ${why}`, hint) : ok("disk", why)];
  },
};

/** Of the folder, or of the one that it would be made in. */
async function spaceAt(path: string): Promise<{ bavail: number; bsize: number }> {
  try {
    return await statfs(path);
  } catch (error) {
    const missing = (error as { code?: string }).code === "ENOENT";
    if (missing && dirname(path) !== path) return await spaceAt(dirname(path));
    throw error;
  }
}
