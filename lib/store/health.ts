/**
 * What is wrong with a stored repository, as far as a look at its files tells.
 *
 * @module
 */
import { VerificationError } from "../common/errors.ts";
import type { RepositoryReader } from "./repository_reader.ts";

/** What is wrong. */
export interface RepositoryFault {
  /** "empty": nothing was ever stored whole. The others lack something that was there. */
  readonly kind: "empty" | "bad-manifest" | "lost-packs";
  readonly why: string;
}

/**
 * Looks for a manifest that can't be used and for packs that are gone or have another size. Reads no
 * pack.
 *
 * @returns undefined if all seems well
 */
export async function repositoryFault(
  repository: RepositoryReader,
): Promise<RepositoryFault | undefined> {
  try {
    if (!await repository.manifest()) {
      return { kind: "empty", why: "nothing is in it: a fetch goes on, or was broken off" };
    }
    if (await repository.isWhole()) return undefined;
    const { packs } = await repository.state();
    const lost = packs.length - (await repository.packs()).length;
    const which = packs.length > 0 ? `${lost} of ${packs.length}` : "all";
    return { kind: "lost-packs", why: `${which} packs are gone or damaged in ${repository.path}` };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return { kind: "bad-manifest", why: error.message };
  }
}
