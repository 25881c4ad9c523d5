/** `gtr remove` */
import { UsageError } from "../../common/errors.ts";
import {
  findShared,
  fullBranch,
  listShared,
  relist,
  shortBranch,
  stopSharing,
  unlist,
} from "../../exporter/share.ts";
import { publish, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import { currentRepository } from "../repository.ts";

/** The networks are told, for which they may take their time. */
const WITHDRAW_MS = 60_000;

/** Stops sharing branches of this repository, or all of one that is given by name. */
export async function run(call: Call): Promise<void> {
  const { io, home, operands, options } = call;
  if ((operands.length > 0) === (options.repository !== undefined)) {
    throw new UsageError("usage", "can't run gtr remove: name branches, or one --repository", {
      hint: "gtr help remove",
    });
  }
  if (options.repository !== undefined && !await isListed(call, options.repository)) {
    return await removePushed(call, options.repository);
  }
  const { gitDir, branches } = options.repository === undefined
    ? { gitDir: (await currentRepository(io)).commonDir, branches: operands.map(fullBranch) }
    : await wholeRepository(call, options.repository);
  if (branches === undefined) return await removeGone(call, gitDir, options.repository!);

  const after = await stopSharing(home, gitDir, branches, io.signal);
  const { addresses, shortfall } = await publish(call, gitDir);
  if (shortfall !== undefined) note(io, `warning: ${shortfall}`);
  const left = after.branches.map(shortBranch);
  if (left.length === 0) await unlist(home, gitDir, io.signal);
  if (options.json) printJson(io, { repository: after.name, branches: left, addresses });
  if (left.length === 0) note(io, `${after.name} is no longer shared`);
  else note(io, `no longer shared: ${operands.join(", ")}; still shared: ${left.join(", ")}`);
}

async function isListed({ home }: Call, name: string): Promise<boolean> {
  return (await listShared(home)).some((share) => share.name === name);
}

/** A repository that was made by pushing to it has no folder, and is on no list. */
async function removePushed(call: Call, name: string): Promise<void> {
  const { io, home, options } = call;
  const { changed, warnings } = await withGtd(
    call,
    WITHDRAW_MS,
    "gtd to stop sharing",
    (gtd, wait) => gtd.withdraw({ name }, wait),
  );
  if (!changed) await findShared(home, name); // says what is shared instead
  for (const warning of warnings) note(io, `warning: ${warning}`);
  if (options.json) printJson(io, { repository: name, branches: [], addresses: {} });
  note(io, `${name} is no longer shared`);
}

/** The branches are undefined where the settings are gone, with their folder. */
async function wholeRepository(
  call: Call,
  name: string,
): Promise<{ gitDir: string; branches?: readonly string[] }> {
  const { gitDir, settings } = await findShared(call.home, name);
  return { gitDir, branches: settings?.branches };
}

/** To gtd, a folder that is gone may come back, unless it is on the list of shares no more. */
async function removeGone(call: Call, gitDir: string, name: string): Promise<void> {
  const { io, home, options } = call;
  await unlist(home, gitDir, io.signal);
  try {
    await publish(call, gitDir);
  } catch (error) {
    await relist(home, { gitDir, name }, io.signal); // so that it can be tried again
    throw error;
  }
  if (options.json) printJson(io, { repository: name, branches: [], addresses: {} });
  note(io, `${name} is no longer shared`);
}
