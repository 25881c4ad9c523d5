/**
 * What the checks of `gtr doctor` have in common.
 *
 * @module
 */
import type { Settings } from "../../common/settings.ts";
import type { Call } from "../io.ts";
import type { Gtd } from "../../daemon/operations.ts";

/** One line of the diagnosis. */
export interface Finding {
  readonly what: string;
  readonly state: "ok" | "warning" | "failed";
  readonly why: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** What checks look at; what several need is asked for once. */
export interface Patient {
  readonly call: Call;
  /** The gtd that runs; undefined where none does, or it doesn't answer. Nobody starts it. */
  readonly gtd: () => Promise<Gtd | undefined>;
  readonly settings: () => Promise<Settings>;
  /** Schemes of the networks that were built in. */
  readonly networks: readonly string[];
}

/** One thing that is looked at. */
export interface Check {
  readonly what: string;
  /** Milliseconds it may take, 5000 if not given. */
  readonly ms?: number;
  /** What it throws is a failure. */
  readonly run: (patient: Patient, signal: AbortSignal) => Promise<readonly Finding[]>;
}

export function ok(what: string, why: string, hint?: string): Finding {
  return { what, state: "ok", why, hint };
}

export function warning(what: string, why: string, hint?: string): Finding {
  return { what, state: "warning", why, hint };
}

export function failed(what: string, why: string, hint?: string): Finding {
  return { what, state: "failed", why, hint };
}
