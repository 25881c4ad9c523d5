/**
 * What goes wrong: each fault begins at once and is over when its promise settles.
 *
 * @module
 */
import { join } from "node:path";
import type { Random } from "../local/random.ts";
import type { Person } from "./person.ts";
import { type Kind, processesOf, signal } from "./processes.ts";

/** One kind of fault. */
export interface Fault {
  readonly name: string;
  /** What this machine lacks for it; undefined where it can be done. */
  readonly missing?: string;
  /** It waits for such a process of who acts. */
  readonly needs?: "helper" | "git";
  /** Prepares it; the environment that the person's programs need for it. */
  readonly env?: (person: Person) => Promise<Record<string, string>>;
  /** Does it to a person, and undoes it; what was done, for the report. */
  readonly strike: (person: Person, random: Random) => Promise<string>;
}

/** What a fault says that came too late, or for which nothing ran. */
export const NOTHING = "nothing was hit";

const SECOND_MS = 1000;
/** For so long a process to hurt is waited for. */
const APPEAR_MS = 3000;
/** It is hurt within this time after it was seen, early rather than late. */
const LIFE_MS = 200;
const POLL_MS = 5;
const DAY_MS = 86_400_000;
/** Where Debian's libfaketime is, for some architecture. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
  .map((triplet) => `/usr/lib/${triplet}/faketime/libfaketime.so.1`);
/** Kilobytes that a full disk still has. */
const LEFT_KB = [0, 4, 16, 64, 256];
const JUMPS_MS = [-400 * DAY_MS, -DAY_MS, -60 * SECOND_MS, 60 * SECOND_MS, DAY_MS, 400 * DAY_MS];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * One of a person's processes of this kind, chosen by chance, at a moment of its life; waits for one to
 * appear, if there is none.
 */
async function victim(person: Person, kind: Kind, random: Random): Promise<number | undefined> {
  const end = performance.now() + APPEAR_MS;
  let moment = kind === "gtd" ? 0 : LIFE_MS * random.next() ** 2;
  while (performance.now() < end) {
    const all = (await processesOf(person.home)).filter((process) => process.kind === kind);
    if (all.length > 0 && moment === 0) return all[random.below(all.length)]!.pid;
    await pause(all.length > 0 ? moment : POLL_MS);
    if (all.length > 0) moment = 0;
  }
}

function kill(kind: Kind): Fault {
  return {
    name: `kill ${kind}`,
    needs: kind === "gtd" ? undefined : kind,
    strike: async (person, random) => {
      const pid = await victim(person, kind, random);
      return pid !== undefined && signal(pid, "SIGKILL") ? "killed" : NOTHING;
    },
  };
}

function stop(kind: Kind): Fault {
  return {
    name: `stop ${kind}`,
    needs: kind === "gtd" ? undefined : kind,
    strike: async (person, random) => {
      const pid = await victim(person, kind, random);
      if (pid === undefined || !signal(pid, "SIGSTOP")) return NOTHING;
      const ms = 100 + random.below(5 * SECOND_MS);
      await pause(ms);
      signal(pid, "SIGCONT");
      return `stopped for ${ms} ms`;
    },
  };
}

function fullDisk(missing: string | undefined): Fault {
  return {
    name: "full disk",
    missing,
    strike: async (person, random) => {
      const left = LEFT_KB[random.below(LEFT_KB.length)]!;
      if (!await person.disk!.fill(left)) return NOTHING;
      const ms = random.below(4 * SECOND_MS);
      await pause(ms);
      await person.disk!.free();
      return `${left} KB left for ${ms} ms`;
    },
  };
}

function noNetwork(missing: string | undefined): Fault {
  return {
    name: "no network",
    missing,
    strike: async (person, random) => {
      const ms = 100 + random.below(6 * SECOND_MS);
      await person.host!.connect(false);
      await pause(ms);
      await person.host!.connect(true);
      return `gone for ${ms} ms`;
    },
  };
}

function clockJump(library: string | undefined): Fault {
  const file = (person: Person) => join(person.folder, "clock");
  return {
    name: "clock jump",
    missing: library === undefined ? "libfaketime" : undefined,
    // Steady clocks don't jump when somebody sets the time.
    env: async (person) => {
      await Deno.writeTextFile(file(person), "+0\n");
      return {
        LD_PRELOAD: library!,
        FAKETIME_TIMESTAMP_FILE: file(person),
        FAKETIME_CACHE_DURATION: "1",
        FAKETIME_DISABLE_SHM: "1", // else it may end a program that starts
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
        NO_FAKE_STAT: "1",
      };
    },
    strike: async (person, random) => {
      const ms = JUMPS_MS[random.below(JUMPS_MS.length)]!;
      await Deno.writeTextFile(file(person), `${ms < 0 ? "" : "+"}${ms / SECOND_MS}\n`);
      await pause(1500 + random.below(2 * SECOND_MS));
      await Deno.writeTextFile(file(person), "+0\n");
      return `by ${ms / SECOND_MS} s`;
    },
  };
}

/**
 * Every fault, also those that can't be done here.
 *
 * @param networks whether people have a network device of their own
 * @param disks whether they have a disk of their own
 */
export async function allFaults(networks: boolean, disks: boolean): Promise<Fault[]> {
  let library: string | undefined;
  for (const path of LIBRARIES) {
    if (await Deno.stat(path).then(() => true, () => false)) library = path;
  }
  return [
    kill("gtd"),
    kill("helper"),
    kill("git"),
    stop("gtd"),
    stop("helper"),
    stop("git"),
    fullDisk(disks ? undefined : "root, to mount a small disk"),
    noNetwork(networks ? undefined : "root and iproute2, for a network of one's own"),
    clockJump(library),
  ];
}
