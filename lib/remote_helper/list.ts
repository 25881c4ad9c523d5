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
 * What an annotated tag leads to is listed as `<ref>^{}`, so that `git fetch` follows tags.
 */
export function refListing(
  state: Pick<RemoteState, "refs" | "peeled" | "head" | "objectFormat">,
  asked: { forPush: boolean; objectFormat: boolean },
): string[] {
  const lines: string[] = [];
  if (asked.objectFormat) lines.push(`:object-format ${state.objectFormat}`);
  if (!asked.forPush && Object.hasOwn(state.refs, state.head)) lines.push(`@${state.head} HEAD`);
  for (const ref of Object.keys(state.refs).sort()) {
    lines.push(`${state.refs[ref]} ${ref}`);
    const target = asked.forPush ? undefined : state.peeled?.[ref];
    if (target !== undefined) lines.push(`${target} ${ref}^{}`);
  }
  return lines;
}
