/**
 * The answer to `list` and `list for-push`.
 *
 * @module
 */
import type { RemoteState } from "../daemon/api.ts";

/**
 * The lines of the answer, without the blank one that ends it.
 *
 * HEAD is listed only where the branch it names exists: git takes a HEAD without an object id for
 * a detached one. A push can't change HEAD, so it is not listed for pushing.
 *
 * @param peeled annotated tags and what they lead to, listed as `<ref>^{}`
 */
export function refListing(
  state: Pick<RemoteState, "refs" | "head" | "objectFormat">,
  asked: { forPush: boolean; objectFormat: boolean },
  peeled: ReadonlyMap<string, string> = new Map(),
): string[] {
  const lines: string[] = [];
  if (asked.objectFormat) lines.push(`:object-format ${state.objectFormat}`);
  if (!asked.forPush && Object.hasOwn(state.refs, state.head)) lines.push(`@${state.head} HEAD`);
  for (const ref of Object.keys(state.refs).sort()) {
    lines.push(`${state.refs[ref]} ${ref}`);
    if (peeled.has(ref)) lines.push(`${peeled.get(ref)} ${ref}^{}`);
  }
  return lines;
}
