/**
 * Refusing what takes more to unpack than its budget, once and for all.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { RequestError, toGtrError } from "../../common/errors.ts";
import { OverBudgetError } from "../../git_interface/budget.ts";
import type { PackRef, SignedManifest } from "../../manifest/types.ts";
import type { EngineParts } from "../parts.ts";

/**
 * Does `work`, which fetches what is missing of a publication. If nobody waits for it, and it was over
 * its budget before, it isn't done; if it is now, that is remembered.
 *
 * @param bounded whether the work keeps to a budget
 * @throws {RequestError} "refused-pack"
 * @throws what `work` throws
 */
export async function unlessRefused<T>(
  { refused, log }: Pick<EngineParts, "refused" | "log">,
  signed: SignedManifest,
  missing: readonly PackRef[],
  bounded: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const { publisher, name } = signed.manifest;
  // What comes live is in no pack that anybody has signed.
  const live = createHash("sha256").update(signed.bytes).digest("hex");
  const ids = [live, ...missing.map(({ sha256 }) => sha256)];
  const note = (change: Promise<void>) =>
    change.catch((error) => log(`can't remember what is refused: ${toGtrError(error).message}`));
  const before = bounded && await refused.find(ids);
  if (before) {
    throw new RequestError(
      "refused-pack",
      `can't fetch ${name}: it was refused before: ${before.why}`,
      { hint: "git clone, or git fetch in a clone, takes it all the same" },
    );
  }
  try {
    const done = await work();
    await note(refused.forget(signed.manifest));
    return done;
  } catch (error) {
    if (bounded && error instanceof OverBudgetError) {
      const { sha256 = live, message: why } = error;
      await note(refused.add({ sha256, publisher, name, why }));
    }
    throw error;
  }
}
