/** `gtr remove` */
import { RequestError, UsageError } from "../../common/errors.ts";
import { JSON_OPTION } from "../../common/verb.ts";
import { readRepositorySettings } from "../../shares/repository_settings.ts";
import {
  findShared,
  fullBranch,
  listShared,
  relist,
  shortBranch,
  stopSharing,
  unlist,
} from "../../shares/share.ts";
import { formatAddress } from "../../identity/address.ts";
import { readKey } from "../../identity/keys.ts";
import { Store } from "../../store/store.ts";
import { ANY_NETWORK } from "../../transports/known.ts";
import { publish, withGtd } from "../gtd.ts";
import type { Call } from "../io.ts";
import { note, printJson } from "../output.ts";
import { currentRepository } from "../repository.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  summary: "stop sharing branches, or a whole repository",
  operands: [{
    form: "[branch...]",
    about: "branches of this repository to stop sharing",
    offer: "shared branch",
  }],
  options: [
    {
      form: "--repository <name>",
      about: "stop sharing all of a repository, even if its folder is gone",
      offer: "shared repository",
    },
    JSON_OPTION,
  ],
  details: [
    "What only these branches need is taken out of the published copy. Your own repository is " +
    "not touched, and readers keep what they have fetched.",
    "If no branch is left, the repository is no longer shared.",
  ],
  examples: [
    { command: "gtr remove next", about: "stop sharing the branch next" },
    { command: "gtr remove --repository hello", about: "stop sharing hello" },
  ],
  run,
};

/** The networks are told, for which they may take their time. */
const WITHDRAW_MS = 60_000;

/** Stops sharing branches of this repository, or all of one that is given by name. */
async function run(call: Call): Promise<void> {
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

  const left = await removePushedBranches(call, gitDir, branches);
  if (left.length === 0 && branches.length > 0) return;

  const after = await stopSharing(home, gitDir, left, io.signal);
  const { addresses, shortfall } = await publish(call, gitDir);
  if (shortfall !== undefined) note(io, `warning: ${shortfall}`);
  const shared = after.branches.map(shortBranch);
  if (shared.length === 0) await unlist(home, gitDir, io.signal);
  if (options.json) printJson(io, { repository: after.name, branches: shared, addresses });
  if (shared.length === 0) note(io, `${after.name} is no longer shared`);
  else note(io, `no longer shared: ${operands.join(", ")}; still shared: ${shared.join(", ")}`);
}

/**
 * Removes those branches that are published only because they were pushed to one's own address: no
 * working repository's settings name them.
 *
 * @param branches full names
 * @returns the others
 */
async function removePushedBranches(
  call: Call,
  gitDir: string,
  branches: readonly string[],
): Promise<readonly string[]> {
  const { io, home } = call;
  const settings = await readRepositorySettings(gitDir);
  const key = await readKey(home.identity);
  if (!settings || !key) return branches;
  const { name } = settings;
  const manifest = (await new Store(home).repository(key.publicKeyHex, name).usableManifest())
    ?.manifest;
  const isPushed = (ref: string) =>
    !settings.branches.includes(ref) && manifest?.refs[ref] !== undefined;
  const pushed = branches.filter(isPushed);
  if (!manifest || pushed.length === 0) return branches;
  const results = await withGtd(
    call,
    WITHDRAW_MS,
    "gtd to remove the branches",
    (gtd, wait) =>
      gtd.push({
        url: formatAddress({ scheme: ANY_NETWORK, id: key.id, name }),
        objectDirs: [],
        objectFormat: manifest.objectFormat,
        updates: pushed.map((ref) => ({ ref, oid: null, force: false })),
      }, wait),
  );
  for (const result of results) {
    if (result.ok) {
      note(io, `no longer shared: ${shortBranch(result.ref)}`);
      continue;
    }
    const branch = shortBranch(result.ref);
    throw new RequestError("not-removed", `can't stop sharing ${branch}: ${result.why}`, {
      hint: `gtr remove --repository ${name} ends sharing all of it`,
    });
  }
  return branches.filter((ref) => !isPushed(ref));
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
