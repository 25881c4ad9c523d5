/**
 * gtd as a user service of systemd, where it was installed as one.
 *
 * @module
 */
import { gtrHome, type Home } from "../common/home.ts";
import { deadline, type Wait } from "../common/wait.ts";

const UNIT = "gtd.service";
const START_MS = 30_000;

/**
 * Asks the user's service manager to start gtd. It knows nothing of this terminal's environment, so
 * it is not asked where that says more than the settings file.
 *
 * @returns whether gtd runs now; false where there is no service manager, or no such unit
 */
export async function startUnit(home: Home, wait: Wait): Promise<boolean> {
  if (Deno.build.os !== "linux" || !isDefault(home)) return false;
  using limit = deadline(START_MS, `systemd to start ${UNIT}`, wait.signal);
  try {
    const { success } = await new Deno.Command("systemctl", {
      args: ["--user", "--quiet", "start", UNIT],
      stdin: "null",
      stdout: "null",
      stderr: "null",
      signal: limit.signal,
    }).output();
    return success;
  } catch (error) {
    wait.signal.throwIfAborted();
    const absent = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotCapable; // Deno permits only programs that it found
    if (absent) return false;
    throw error;
  }
}

function isDefault(home: Home): boolean {
  const chosen = Object.keys(Deno.env.toObject()).some((name) => name.startsWith("GTR_"));
  return !chosen && home.root === gtrHome();
}
