/**
 * Making all checks at once.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { abortable, deadline } from "../../common/wait.ts";
import { networks } from "../networks.ts";
import type { Call } from "../io.ts";
import { type Check, failed, type Finding, type Patient } from "./check.ts";

const CHECK_MS = 5000;

/**
 * Makes all checks at the same time; each has a deadline of its own, and one that fails, or hangs,
 * says so and keeps nothing from the others.
 *
 * @returns what they found, in the order of the checks
 */
export async function examine(call: Call, checks: readonly Check[]): Promise<Finding[]> {
  const patient: Patient = {
    call,
    gtd: once(() => call.services.running(call.home)),
    settings: once(() => call.settings()),
    networks: await networks(),
  };
  const found = await Promise.all(checks.map((check) => make(check, patient)));
  await using _gtd = await patient.gtd().catch(() => undefined);
  return found.flat();
}

async function make(check: Check, patient: Patient): Promise<readonly Finding[]> {
  using limit = deadline(check.ms ?? CHECK_MS, "this check", patient.call.io.signal);
  try {
    return await abortable(check.run(patient, limit.signal), limit.signal);
  } catch (thrown) {
    const { message, hint } = toGtrError(thrown);
    return [failed(check.what, message, hint)];
  }
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  return () => answer ??= ask();
}
