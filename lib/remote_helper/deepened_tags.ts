/**
 * Tags of what a shallow clone was deepened by, which git before 2.44 overlooks.
 *
 * @module
 */
import type { RemoteState } from "../daemon/api.ts";
import { listRefs } from "../git_interface/refs.ts";
import { runGit } from "../git_interface/run.ts";
import { checkGit } from "../git_interface/version.ts";
import { lookUpObjects } from "./held_objects.ts";
import type { LocalRepository } from "./local_repository.ts";

/** The first git that looks anew for the objects of tags after a helper has fetched. */
const LOOKS_ANEW = [2, 44] as const;

/**
 * Makes the tags whose objects are here now, as git does at its next fetch. If a deepening moves no
 * ref, such a git doesn't open the pack that came, and finds none of them there.
 *
 * @param state what is published
 */
export async function addDeepenedTags(
  { refs }: Pick<RemoteState, "refs">,
  local: LocalRepository,
  signal: AbortSignal,
): Promise<void> {
  const known = await listRefs(local.commonDir, ["refs/tags"], signal);
  const missing = Object.entries(refs).filter(([ref]) =>
    ref.startsWith("refs/tags/") && !known.has(ref)
  );
  if (missing.length === 0 || await looksAnew()) return;
  const found = await lookUpObjects(local, missing.map(([, oid]) => oid), signal);
  const commands = missing.flatMap(([ref, oid], i) => found[i] ? [`create ${ref}\0${oid}\0`] : []);
  await runGit(["update-ref", "--stdin", "-z"], {
    gitDir: local.commonDir,
    input: commands.join(""),
    signal,
    allowFail: true, // another has made one of them meanwhile: the next fetch makes the others
  });
}

async function looksAnew(): Promise<boolean> {
  const [major = 0, minor = 0] = (await checkGit()).split(".").map(Number);
  return major > LOOKS_ANEW[0] || (major === LOOKS_ANEW[0] && minor >= LOOKS_ANEW[1]);
}
