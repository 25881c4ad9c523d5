/** `gtr status` */
import { RequestError } from "../../common/errors.ts";
import { printable } from "../../common/printable.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import type { Status } from "../../daemon/api.ts";
import { runningStatus, STATUS_MS, withGtd } from "../gtd.ts";
import { listNames } from "../../manifest/branches.ts";
import type { Call, Io } from "../io.ts";
import { formatBytes, formatDuration, note, printJson, printTable } from "../output.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "show what gtd does: networks, repositories, peers",
  operands: [],
  options: [JSON_OPTION],
  details: ["Starts gtd if it doesn't run and daemon.autostart is true. git's own: git status."],
  examples: [{ command: "gtr status --json", about: "the same, for programs" }],
  run,
};

/** Prints what gtd does. */
async function run(call: Call): Promise<void> {
  const status = await ask(call);
  if (call.options.json) return printJson(call.io, status);
  printStatus(call.io, status);
  // Part of the report: whoever reads that wants to know.
  for (const warning of status.warnings) call.io.stdout(printable(`warning: ${warning}\n`));
  const { verdict } = status;
  if (verdict?.who === "nobody" && verdict.hint) note(call.io, `hint: ${verdict.hint}`);
}

async function ask(call: Call): Promise<Status> {
  const settings = await call.settings();
  if (settings.get("daemon.autostart")) {
    return await withGtd(call, STATUS_MS, "gtd's status", (gtd, wait) => gtd.status({}, wait));
  }
  // Without a daemon there is nothing to tell: what would be started here ends with this command.
  const status = await runningStatus(call);
  if (status) return status;
  throw new RequestError("no-daemon", "can't show a status: gtd does not run", {
    hint: "gtr daemon start",
  });
}

function printStatus(io: Io, status: Status): void {
  const { pid, version, uptimeSeconds } = status.daemon;
  io.stdout(`gtd ${version}, process ${pid}, up ${formatDuration(uptimeSeconds)}\n`);
  for (const [scheme, figures] of Object.entries(status.transports)) {
    const known = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
    io.stdout(`${scheme}: ${known.join(", ") || "not known yet"}\n`);
  }
  if (status.verdict) io.stdout(`reach: ${status.verdict.summary}\n`);
  const dropped = Object.entries(status.dropped).map(([reason, count]) => `${reason} ${count}`);
  if (dropped.length > 0) io.stdout(`dropped: ${dropped.join(", ")}\n`);
  const { bytes, quota } = status.store;
  if (bytes > 0) {
    const most = quota === 0 ? "no quota" : `quota ${formatBytes(quota)}`;
    const over = quota > 0 && bytes > quota ? ": over quota" : "";
    io.stdout(`others' repositories: ${formatBytes(bytes)}, ${most}${over}\n`);
  }
  if (status.repositories.length === 0) return;
  io.stdout("\n");
  printTable(
    io,
    ["ADDRESS", "ROLE", "SEQUENCE", "PACKS", "SIZE", "PEERS"],
    status.repositories.map((r) => [
      r.address,
      `${roleOf(r)}${r.overQuota ? ", over quota" : ""}`,
      r.sequence,
      r.packs,
      formatBytes(r.bytes),
      r.peers,
    ]),
  );
}

/** "published", "cloned", "followed (main, dev)". */
function roleOf({ pinned, role, branches }: Status["repositories"][number]): string {
  if (!pinned) return "cloned";
  return branches ? `${role} (${listNames(branches)})` : role;
}
