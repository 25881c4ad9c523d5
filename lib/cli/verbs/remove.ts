/** `gtr remove` */
import { UsageError } from "../../common/errors.ts";
import { findShared, fullBranch, shortBranch, stopSharing, unlist } from "../../exporter/share.ts";
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
    ? {
      gitDir: (await currentRepository(io)).commonDir,
      branches: operands.map(fullBranch),
    }
    : await wholeRepository(call, options.repository);
  // Where the folder is gone, so are its settings: being off the list is all there is to say.
  const after = branches && await stopSharing(home, gitDir, branches, io.signal);
  if (!after) await unlist(home, gitDir, io.signal);
  const { addresses } = await publish(call, gitDir);
  if (after?.branches.length === 0) await unlist(home, gitDir, io.signal);

  const repository = after?.name ?? options.repository;
  const left = after?.branches.map(shortBranch) ?? [];
  if (options.json) printJson(io, { repository, branches: left, addresses });
  if (left.length === 0) note(io, `${repository} is no longer shared`);
  else note(io, `no longer shared: ${operands.join(", ")}; still shared: ${left.join(", ")}`);
}

async function wholeRepository(
  call: Call,
  name: string,
): Promise<{ gitDir: string; branches?: readonly string[] }> {
  const { gitDir, settings } = await findShared(call.home, name);
  return { gitDir, branches: settings?.branches };
}
