/**
 * How much of this machine git may use for what strangers made: a few hundred kilobytes of pack can
 * unpack to gigabytes, and take minutes.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";

/** What one git process may use. Those that it starts get the same again. */
export interface Budget {
  readonly memoryBytes: number;
  /** Of all its threads together. */
  readonly cpuSeconds: number;
  readonly threads: number;
}

const MIB = 1 << 20;
/** For git itself, its caches, and the largest files of a small pack. */
const LEAST_MEMORY_BYTES = 256 * MIB;
/** git notes some 200 bytes of an object, and few take less than 20 in a pack. */
const MEMORY_FACTOR = 16;
const LEAST_CPU_SECONDS = 10;
/** Ten times what an ordinary pack takes on a slow computer. */
const CPU_SECONDS_PER_MIB = 5;
const STACK_BYTES = 8 * MIB;
/** git's own default of core.deltaBaseCacheLimit. */
const DELTA_CACHE_BYTES = 96 * MIB;
/** From this size on git hashes files as they come, if they are no deltas. */
const BIG_FILE_BYTES = 32 * MIB;
/** Seconds on the clock for one of the processor: others may be at work. */
const PATIENCE = 4;

/**
 * The budget for packs of so many bytes in all: 256 MiB and 16 times their size, 10 seconds and 5 for
 * each MiB.
 */
export function unpackBudget(packBytes: number): Budget {
  const memoryBytes = LEAST_MEMORY_BYTES + MEMORY_FACTOR * packBytes;
  const stacks = Math.floor(memoryBytes / 8 / STACK_BYTES);
  return {
    memoryBytes,
    cpuSeconds: LEAST_CPU_SECONDS + Math.ceil(packBytes / MIB * CPU_SECONDS_PER_MIB),
    threads: Math.max(1, Math.min(navigator.hardwareConcurrency, stacks)),
  };
}

/** Milliseconds that the same may take by the clock. */
export function patienceMs({ cpuSeconds }: Budget): number {
  return cpuSeconds * PATIENCE * 1000;
}

/**
 * The arguments for a git that keeps to the budget. The system enforces it: git is started by a shell
 * that has set the limits (git runs one for an alias). Half of the machine's memory is the most.
 *
 * On Linux, data is what counts: files that are mapped can be dropped, and take none. Elsewhere no
 * such limit is enforced, and the shell leaves a process behind that looks every second. Windows has
 * neither: what is left there are git's own settings.
 */
export function boundedArguments(
  args: readonly string[],
  budget: Budget,
  os: typeof Deno.build.os = Deno.build.os,
): string[] {
  const { threads } = budget;
  const cache = Math.min(DELTA_CACHE_BYTES, Math.floor(budget.memoryBytes / 4 / threads));
  const settings = [
    `core.bigFileThreshold=${BIG_FILE_BYTES}`,
    `core.deltaBaseCacheLimit=${cache}`,
    `pack.threads=${threads}`,
    `pack.windowMemory=${cache}`,
    `pack.deltaCacheSize=${cache}`,
  ].flatMap((setting) => ["-c", setting]);
  if (os === "windows") return [...settings, ...args];
  return ["-c", `alias.gtr-bounded=!${script(budget, os)}`, ...settings, "gtr-bounded", ...args];
}

/** One ulimit for each limit: some shells take only the last of several. */
function script({ memoryBytes, cpuSeconds }: Budget, os: typeof Deno.build.os): string {
  const limits = [
    `m=${Math.ceil(memoryBytes / 1024)}`,
    `read -r k t u </proc/meminfo && [ $((t / 2)) -lt $m ] && m=$((t / 2))`,
    "ulimit -S -d $m",
    `ulimit -S -t ${cpuSeconds}`,
  ].join("; ");
  const watch = 'while r=$(ps -o rss= -p $$) && [ -n "$r" ]; do ' +
    "[ $r -gt $m ] && kill -s XCPU $$; sleep 1; done";
  const watching = os === "linux" ? "" : `(${watch}) </dev/null >/dev/null 2>&1 & `;
  return `{ ${limits}; } 2>/dev/null; ${watching}exec git`;
}

/** What git says when its memory has a limit, and what git says of a child that the system ended. */
const OVER =
  /out of memory|cannot allocate memory|unable to create thread|died of signal (24|30)\b|SIGXCPU/i;

/** What a peer says of itself: it may be short of memory, too, or lie. */
const REMOTE = /^(remote: |fatal: remote error: ).*$/gm;

/** Whether a git that was bounded ended because of that. 152: by SIGXCPU. */
export function isOverBudget({ code, stderr }: { code: number; stderr: string }): boolean {
  return code === 152 || (code !== 0 && OVER.test(stderr.replace(REMOTE, "")));
}

/** Unpacking it takes more than its budget. */
export class OverBudgetError extends VerificationError {
  readonly #budget: Budget;
  /** SHA-256 of the pack, if it is known that its bytes are at fault. */
  readonly sha256?: string;

  constructor(budget: Budget, sha256?: string) {
    const pack = sha256 === undefined ? "a pack" : `pack ${sha256.slice(0, 12)}`;
    const { memoryBytes, cpuSeconds } = budget;
    super(
      "over-budget",
      `can't use ${pack}: unpacking it takes more than ${Math.ceil(memoryBytes / MIB)} MiB of ` +
        `memory or ${cpuSeconds} s of the processor`,
      { hint: "git clone, or git fetch in a clone, takes it without these limits" },
    );
    this.#budget = budget;
    this.sha256 = sha256;
  }

  /** The same, of the pack with this SHA-256. */
  of(sha256: string): OverBudgetError {
    return new OverBudgetError(this.#budget, sha256);
  }
}
