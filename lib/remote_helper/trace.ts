/**
 * `GTR_TRACE=1`: a timeline of what the helper and gtd do, one line on stderr for each step.
 *
 * @module
 */
import { printable } from "../common/printable.ts";
import type { Trace } from "../common/wait.ts";
import type { Environment } from "./local_repository.ts";

const OFF = ["", "0", "false", "no", "off"];

/**
 * Writes each step with the milliseconds since this process began: `gtr:   12.3 ms  asking gtd`.
 *
 * @returns undefined if `GTR_TRACE` is unset or off
 */
export function tracer(
  env: Environment,
  write: (text: string) => void,
  now: () => number = () => performance.now(),
): Trace | undefined {
  if (OFF.includes(env("GTR_TRACE")?.toLowerCase() ?? "")) return undefined;
  return (step, agoMs = 0) => {
    const ms = (now() - agoMs).toFixed(1).padStart(7);
    write(`gtr: ${ms} ms  ${printable(step.replaceAll("\n", " "))}\n`);
  };
}
