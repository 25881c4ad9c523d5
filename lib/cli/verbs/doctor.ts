/** `gtr doctor` */
import { printable } from "../../common/printable.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import type { Finding } from "../doctor/check.ts";
import type { Call } from "../io.ts";
import { printJson } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "check that everything gtr needs is there and works",
  operands: [],
  options: [JSON_OPTION],
  details: [
    "Checks git, the helpers on PATH, your files, the clock, the disk, gtd, its networks, the store " +
    "and what you share, all at once. Prints a line for each, ok, warning or failed, with a hint " +
    "of what to do; exit code 1 if something failed. It neither starts gtd nor repairs anything.",
    'With --json: {"ok": true, "checks": [{"what", "state", "why", "hint"}]}; state is one of ok, ' +
    "warning and failed, and hint may be absent.",
  ],
  examples: [{ command: "gtr doctor", about: "say what is wrong, and what to do" }],
  run,
};

/** Says what is well and what isn't; exit code 1 where something failed. */
async function run(call: Call): Promise<number> {
  const { CHECKS } = await import("../doctor/checks.ts");
  const { examine } = await import("../doctor/examine.ts");
  const checks = await examine(call, CHECKS);
  const healthy = checks.every(({ state }) => state !== "failed");
  if (call.options.json) printJson(call.io, { ok: healthy, checks });
  else call.io.stdout(checks.map(lines).join(""));
  return healthy ? 0 : 1;
}

function lines({ what, state, why, hint }: Finding): string {
  // One line each, whatever a network or a file made of it.
  const text = (part: string) => printable(part).replaceAll("\n", " ");
  return `${state} ${text(what)}: ${text(why)}\n${hint ? `hint: ${text(hint)}\n` : ""}`;
}
