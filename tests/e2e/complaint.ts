/**
 * What every failure must look like to a person.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Node, Outcome, RunOptions } from "./node.ts";

/** A failure that is expected. */
export interface Complaint {
  /** Exit code; default 1 for gtr. git turns its helper's into 128. */
  readonly code?: number;
  /** What has to be in the line `gtr: ...`. */
  readonly says: RegExp;
  /** What has to be in the line `hint: ...`. */
  readonly hints: RegExp;
  /** Milliseconds it may take. */
  readonly within?: number;
}

const WITHIN_MS = 60_000;

/** Runs a command that has to fail in time, with our words and without a stack trace. */
export async function complains(
  node: Node,
  command: readonly string[],
  { code, says, hints, within }: Complaint,
  options: RunOptions = {},
): Promise<Outcome> {
  const [program, ...args] = command;
  const outcome = await node.run(program!, args, { ms: within ?? WITHIN_MS, ...options });
  const shown = `${command.join(" ")}: exit code ${outcome.code}\n${outcome.stderr}`;
  assert.equal(outcome.code, code ?? (program === "git" ? 128 : 1), shown);
  assert.match(line(outcome.stderr, "gtr"), says, shown);
  assert.match(line(outcome.stderr, "hint"), hints, shown);
  assertNoTrace(outcome.stderr);
  return outcome;
}

/** Nobody but us reads stack traces. */
export function assertNoTrace(stderr: string): void {
  assert.doesNotMatch(stderr, /^\s+at .+(:\d+:\d+|<anonymous>)|Uncaught|error: Uncaught|\.js:\d+/m);
}

function line(stderr: string, start: string): string {
  return stderr.split("\n").find((text) => text.startsWith(`${start}: `)) ?? "";
}
