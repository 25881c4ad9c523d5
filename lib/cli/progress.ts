/**
 * Progress for a person who watches stderr.
 *
 * @module
 */
import { printable } from "../common/printable.ts";
import type { Progress } from "../common/wait.ts";
import type { Io } from "./io.ts";

const INTERVAL_MS = 100;

/**
 * A progress line that is rewritten in place, in git's style: "Receiving packs: 42% (3/7)".
 * Disposing it ends the line. Prints nothing where nobody watches.
 */
export function progressLine(
  io: Io,
  now: () => number = () => performance.now(),
): { progress: Progress | undefined } & Disposable {
  if (!io.interactive) return { progress: undefined, [Symbol.dispose]() {} };
  let shown = "";
  let activity = "";
  let printedAt = -Infinity;
  const print = (line: string) => {
    io.stderr(`\r${line.padEnd(shown.length)}`);
    shown = line;
    printedAt = now();
  };
  const end = () => {
    if (shown !== "") io.stderr("\n");
    shown = "";
  };
  return {
    progress(done, total, what) {
      if (what !== activity) end();
      else if (done !== total && now() - printedAt < INTERVAL_MS) return;
      activity = what;
      const line = total > 0
        ? `${what}: ${Math.floor(done / total * 100)}% (${done}/${total})`
        : done > 0
        ? `${what}: ${done}`
        : what;
      if (line !== shown) print(printable(line));
    },
    [Symbol.dispose]: end,
  };
}
