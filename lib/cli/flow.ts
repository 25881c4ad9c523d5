/**
 * The option `--flow` of the verbs that share.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";
import { type Flow, FLOWS } from "../manifest/flow.ts";
import type { Option } from "../common/verb.ts";

/** How it is declared. */
export const FLOW_OPTION: Option = {
  form: "--flow <flow>",
  about: "how readers get the data: 'announce', 'put' or 'both' (default: both)",
};

/** What `--flow` says about it, for the verbs' help. */
export const FLOW_DETAILS = [
  "With --flow put, readers fetch packs from any peer that has them, even while this computer is " +
  "off. With --flow announce only a signed pointer is in the networks: readers fetch live from " +
  "this computer, or from others who cloned it, and one of them has to be online. With both, they " +
  "do whichever costs them less.",
];

/** @throws {UsageError} "bad-flow" */
export function readFlow(verb: string, text: string | undefined): Flow | undefined {
  const flow = FLOWS.find((known) => known === text);
  if (flow !== undefined || text === undefined) return flow;
  throw new UsageError("bad-flow", `can't run gtr ${verb}: '${text}' is not a flow`, {
    hint: `gtr ${verb} --flow ${FLOWS.join("|")}`,
  });
}
