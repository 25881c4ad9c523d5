/**
 * How the networks are, and whether others can fetch from this node, which only gtd knows.
 *
 * @module
 */
import type { Health, Verdict } from "../../daemon/api.ts";
import { type Check, failed, type Finding, ok, warning } from "./check.ts";

export const reachability: Check = {
  what: "networks",
  ms: 15_000,
  run: async ({ gtd, networks }, signal) => {
    const running = await gtd();
    if (!running) {
      const why = "not checked: gtd doesn't run, or does not answer";
      return networks.map((scheme) => warning(`network ${scheme}`, why, "gtr daemon start"));
    }
    return findings(await running.health({}, { signal }));
  },
};

/** One line for each network, one for how others get here by it, and one for all together. */
export function findings({ networks, verdict }: Pick<Health, "networks" | "verdict">): Finding[] {
  const hinted = verdict?.who !== "nobody"; // else the last line says what to do
  return [
    ...networks.flatMap((network) => [ofNetwork(network), ...ofReach(network, hinted)]),
    ...(verdict ? [ofVerdict(verdict)] : []),
  ];
}

function ofNetwork({ scheme, state, summary, hint }: Health["networks"][number]): Finding {
  const what = `network ${scheme}`;
  if (state === "unreachable") return failed(what, summary, hint);
  return hint === undefined ? ok(what, summary) : warning(what, summary, hint);
}

function ofReach({ scheme, reach }: Health["networks"][number], hinted: boolean): Finding[] {
  if (!reach) return [];
  const { how, limited, summary, hint } = reach;
  const what = `reach by ${scheme}`;
  if (how !== "outgoing-only" && !limited) return [ok(what, summary)];
  return [warning(what, summary, hinted ? hint : undefined)];
}

function ofVerdict({ who, summary, hint }: Verdict): Finding {
  const what = "reach";
  return who === "nobody" ? failed(what, summary, hint) : ok(what, summary);
}
