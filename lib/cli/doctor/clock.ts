/**
 * Whether the clock is right, as far as anything here can tell.
 *
 * @module
 */
import { Store } from "../../store/store.ts";
import { formatDuration } from "../output.ts";
import { type Check, type Finding, ok, type Patient, warning } from "./check.ts";
import { homeInfo, isReadOnly } from "./home.ts";

/** Others' clocks and ours may differ by so much, in milliseconds. */
const OTHERS_MS = 5 * 60_000;
/** File systems write times in steps of up to two seconds. */
const FILE_MS = 5000;

const HINT = "set the clock: publications are numbered and dated by it";

/** What the clock can be compared with, in milliseconds since 1970. */
export interface Times {
  readonly now: number;
  /** What the file system says of a file that was written now. */
  readonly file?: number;
  /** The newest publication that others signed, and the newest of one's own. */
  readonly others?: number;
  readonly own?: number;
}

export const clock: Check = {
  what: "clock",
  ms: 10_000,
  run: async (patient) => [judgeClock(await readTimes(patient))],
};

/** What follows from the times. */
export function judgeClock({ now, file, others, own }: Times): Finding {
  const by = (ms: number) => formatDuration(Math.abs(ms) / 1000);
  if (file !== undefined && Math.abs(file - now) > FILE_MS) {
    return warning("clock", `it differs from that of the file system by ${by(file - now)}`, HINT);
  }
  const newest = Math.max(others ?? 0, own ?? 0);
  if (newest - now > OTHERS_MS) {
    const whose = newest === own ? "you" : "others";
    return warning(
      "clock",
      `what ${whose} published is dated ${by(newest - now)} ahead of it`,
      HINT,
    );
  }
  if (file === undefined) {
    return ok("clock", "not checked: there is no home, or nothing can be written there");
  }
  return others === undefined
    ? ok("clock", "as the file system's; nothing of others is here to compare it with")
    : ok("clock", "as the file system's, and not behind what others published");
}

async function readTimes({ call: { home } }: Patient): Promise<Times> {
  if (!await homeInfo(home)) return { now: Date.now() };
  const times: { others?: number; own?: number } = {};
  for (const repository of await new Store(home).repositories()) {
    const manifest = (await repository.usableManifest())?.manifest;
    if (!manifest) continue;
    const { role } = await repository.state();
    const whose = role === "published" ? "own" : "others";
    times[whose] = Math.max(times[whose] ?? 0, manifest.created * 1000);
  }
  const path = await Deno.makeTempFile({ dir: home.root, prefix: "clock-", suffix: ".tmp" })
    .catch((error) => {
      if (!isReadOnly(error)) throw error;
    });
  if (path === undefined) return { ...times, now: Date.now() };
  try {
    const file = (await Deno.stat(path)).mtime?.getTime();
    return { ...times, file, now: Date.now() };
  } finally {
    await Deno.remove(path);
  }
}
