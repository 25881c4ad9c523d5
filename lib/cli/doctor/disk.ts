/**
 * How much space is left for the home.
 *
 * @module
 */
import { dirname } from "node:path";
import { toGtrError } from "../../common/errors.ts";
import { defaultFloor, diskSpace } from "../../store/disk_usage.ts";
import { formatBytes } from "../output.ts";
import { type Check, failed, ok, warning } from "./check.ts";

/** Below this a publication may fail at any time, in bytes. */
const FULL = 64 << 20;
export const disk: Check = {
  what: "disk",
  run: async ({ call: { home }, settings }) => {
    const { free, size } = await spaceAt(home.root);
    const why = `${formatBytes(free)} left for ${home.root}`;
    const hint = "free some space, or move the home: GTR_HOME";
    if (free < FULL) return [failed("disk", `only ${why}`, hint)];
    const floor = (await settings()).get("store.freeDisk") ?? defaultFloor(size);
    if (free >= floor) return [ok("disk", why)];
    const kept = `and ${
      formatBytes(floor)
    } are kept (store.freeDisk): nothing of others is fetched`;
    return [warning("disk", `only ${why}, ${kept}`, hint)];
  },
};

/** Of the folder, or of the one that it would be made in. */
async function spaceAt(path: string): Promise<{ free: number; size: number }> {
  try {
    return await diskSpace(path);
  } catch (error) {
    const missing = (toGtrError(error).cause as { code?: string } | undefined)?.code === "ENOENT";
    if (missing && dirname(path) !== path) return await spaceAt(dirname(path));
    throw error;
  }
}
