/**
 * The environment in which tests run.
 *
 * @module
 */
import { join } from "node:path";
import { ALONE } from "../local/alone.ts";

/**
 * The caller's environment, without what could make a test use the caller's own files.
 *
 * @param folder where what a test forgets to set leads to
 */
export function testEnvironment(folder: string): Record<string, string> {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(GIT|GTR)_/.test(name));
  return {
    ...Object.fromEntries(kept),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GTR_HOME: join(folder, "home"), // each test sets its own
    ...ALONE,
    NO_COLOR: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
}
