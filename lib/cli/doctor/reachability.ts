/**
 * Whether each network can be reached, which only gtd knows.
 *
 * @module
 */
import { type Check, failed, ok, warning } from "./check.ts";

export const reachability: Check = {
  what: "networks",
  ms: 15_000,
  run: async ({ gtd, networks }, signal) => {
    const running = await gtd();
    if (!running) {
      const why = "not checked: gtd doesn't run, or does not answer";
      return networks.map((scheme) => warning(`network ${scheme}`, why, "gtr daemon start"));
    }
    const health = await running.health({ signal });
    return health.networks.map(({ scheme, state, summary, hint }) => {
      const what = `network ${scheme}`;
      if (state === "unreachable") return failed(what, summary, hint);
      return hint === undefined ? ok(what, summary) : warning(what, summary, hint);
    });
  },
};
