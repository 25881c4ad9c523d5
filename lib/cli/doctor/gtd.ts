/**
 * Whether gtd runs, and of this version; and where it listens.
 *
 * @module
 */
import { VERSION } from "../../common/version.ts";
import { lockHolder } from "../../daemon/lock_holder.ts";
import { socketPath } from "../../daemon/socket.ts";
import { gtdPath } from "../../daemon/process.ts";
import { type Check, failed, type Finding, ok, type Patient, warning } from "./check.ts";
import { isReadOnly } from "./home.ts";

export const gtd: Check = {
  what: "gtd",
  ms: 10_000,
  run: async (patient, signal) => {
    const running = await patient.gtd();
    if (!running) return [await absent(patient)];
    const { version, pid } = await running.version({}, { signal });
    const process = version === VERSION ? ok("gtd", `version ${version}, process ${pid}`) : warning(
      "gtd",
      `process ${pid} has version ${version}, and this gtr ${VERSION}`,
      "gtr daemon stop; the next command starts the new one",
    );
    return [process, await socket(await socketPath(patient.call.home))];
  },
};

async function absent({ call: { home } }: Patient): Promise<Finding> {
  if (await isHeld(home.lock)) {
    const pid = await lockHolder(home);
    return failed(
      "gtd",
      `${
        pid === undefined ? "a process" : `process ${pid}`
      } holds ${home.lock} and does not answer`,
      `end that gtd${pid === undefined ? "" : ` (kill ${pid})`}, then: gtr daemon start; ` +
        "gtr daemon logs may say what it does",
    );
  }
  const path = gtdPath();
  if (!await Deno.stat(path).then((info) => info.isFile, () => false)) {
    return failed("gtd", `it doesn't run, and there is no ${path}`, "install gtd beside gtr");
  }
  return warning(
    "gtd",
    "it doesn't run: nothing is published or passed on meanwhile",
    "gtr daemon start",
  );
}

/** gtd holds its lock for as long as it lives. */
async function isHeld(lock: string): Promise<boolean> {
  try {
    using file = await Deno.open(lock, { write: true });
    return !await file.tryLock(true);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || isReadOnly(error)) return false;
    throw error;
  }
}

async function socket(path: string): Promise<Finding> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & 0o077) === 0) return ok("socket", path);
  return failed("socket", `${path} is open to other users`, `chmod 600 ${path}`);
}
