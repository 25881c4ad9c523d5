/**
 * Whether what this user shares is published.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { type Share, Shares } from "../../exporter/shares.ts";
import { shortBranch } from "../../exporter/share.ts";
import { shareState } from "../../exporter/share_state.ts";
import { inspectKey } from "../../identity/keys.ts";
import { Store } from "../../store/store.ts";
import { type Check, failed, type Finding, ok, type Patient, warning } from "./check.ts";

export const shares: Check = {
  what: "shares",
  ms: 10_000,
  run: async (patient, signal) => {
    const { home } = patient.call;
    const listed = await new Shares(home).list();
    if (listed.length === 0) return [ok("shares", "nothing is shared")];
    const key = await inspectKey(home.identity);
    if (!key) {
      return [failed(
        "shares",
        `${home.identity} is gone: what was shared can't be published at its address any more`,
        "put back your copy of it; without one, gtr init publishes at a new address",
      )];
    }
    return await Promise.all(listed.map(async (share) => {
      try {
        return await look(patient, share, key.publicKeyHex, signal);
      } catch (thrown) {
        const { message, hint } = toGtrError(thrown);
        return failed(`share ${share.name}`, message, hint);
      }
    }));
  },
};

async function look(
  { call: { home }, gtd }: Patient,
  share: Share,
  publisher: string,
  signal: AbortSignal,
): Promise<Finding> {
  const { name, gitDir } = share;
  const what = `share ${name}`;
  const stored = new Store(home).repository(publisher, name);
  const { gone, pending, diverged, branches } = await shareState(share, stored, signal);
  const named = (refs: readonly string[]) => refs.map(shortBranch).join(", ");
  if (gone) {
    return warning(
      what,
      `its folder is gone: ${gitDir}`,
      `gtr init where it is now, or gtr remove --repository ${name}`,
    );
  }
  if (diverged.length > 0) {
    return warning(
      what,
      `diverged from what was pushed to its address: ${named(diverged)}`,
      `pull it first, in ${gitDir}; then it is published`,
    );
  }
  if (pending.length > 0) {
    const hint = await gtd() ? "gtr daemon logs says why, if it stays so" : "gtr daemon start";
    return warning(what, `not yet published: ${named(pending)}`, hint);
  }
  return ok(what, branches.length > 0 ? `published: ${named(branches)}` : "shares nothing");
}
