/**
 * Joining what two machines of one publisher have published, neither knowing of the other. Pure but
 * for asking which commit contains which.
 *
 * @module
 */

/** Full ref name -> object id. */
type Refs = Readonly<Record<string, string>>;

/** What is published of both. */
export interface JoinedMachines {
  readonly refs: Record<string, string>;
  /** Ref -> the object id of `ours` that is not published, since `theirs` went another way. */
  readonly diverged: Record<string, string>;
}

/**
 * A ref that only one of them has stays: whether the other deleted it can't be known. Of one that both
 * have the newer object counts; if neither contains the other, theirs stays published, and a person has
 * to join them.
 *
 * @param contains whether the history of the first object has the second in it
 */
export async function joinMachines(
  ours: Refs,
  theirs: Refs,
  contains: (newer: string, older: string) => Promise<boolean>,
): Promise<JoinedMachines> {
  const refs: Record<string, string> = { ...theirs };
  const diverged: Record<string, string> = {};
  for (const [name, here] of Object.entries(ours)) {
    const there = theirs[name];
    if (there === here) continue;
    if (there === undefined || await contains(here, there)) refs[name] = here;
    else if (!await contains(there, here)) diverged[name] = here;
  }
  return { refs, diverged };
}
