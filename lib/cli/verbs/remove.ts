/** `gtr remove` */
import { UsageError } from "../../common/errors.ts";
import {
  findShared,
  fullBranch,
  relist,
  shortBranch,
  stopSharing,
  unlist,
} from "../../exporter/share.ts";
import { publish } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import { currentRepository } from "../repository.ts";

/** Stops sharing branches of this repository, or all of one that is given by name. */
export async function run(call: Call): Promise<void> {
  const { io, home, operands, options } = call;
  if ((operands.length > 0) === (options.repository !== undefined)) {
    throw new UsageError("usage", "can't run gtr remove: name branches, or one --repository", {
      hint: "gtr help remove",
    });
  }
  const { gitDir, branches } = options.repository === undefined
    ? { gitDir: (await currentRepository(io)).commonDir, branches: operands.map(fullBranch) }
    : await wholeRepository(call, options.repository);
  if (branches === undefined) return await removeGone(call, gitDir, options.repository!);

  const after = await stopSharing(home, gitDir, branches, io.signal);
  const { addresses } = await publish(call, gitDir);
  const left = after.branches.map(shortBranch);
  if (left.length === 0) await unlist(home, gitDir, io.signal);
  if (options.json) printJson(io, { repository: after.name, branches: left, addresses });
  if (left.length === 0) note(io, `${after.name} is no longer shared`);
  else note(io, `no longer shared: ${operands.join(", ")}; still shared: ${left.join(", ")}`);
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
