/**
 * Whether what this user shares is published.
 *
 * @module
 */
import { toGtrError } from "../../common/errors.ts";
import { type Share, Shares } from "../../shares/shares.ts";
import { shortBranch } from "../../shares/share.ts";
import { remedy } from "../../shares/divergence.ts";
import { shareFaults, shareState } from "../../shares/share_state.ts";
import { formatAddress } from "../../identity/address.ts";
import { inspectKey, type PublisherKey } from "../../identity/keys.ts";
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
        return await look(patient, share, key, signal);
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
  { id, publicKeyHex }: PublisherKey,
  signal: AbortSignal,
): Promise<Finding> {
  const { name, gitDir } = share;
  const what = `share ${name}`;
  const stored = new Store(home).repository(publicKeyHex, name);
  const { gone, pending, diverged, branches } = await shareState(share, stored, signal);
  const named = (refs: readonly string[]) => refs.map(shortBranch).join(", ");
  if (gone) {
    return warning(
      what,
      `its folder is gone: ${gitDir}`,
      `gtr init where it is now, or gtr remove --repository ${name}`,
    );
  }
  const faults = await shareFaults(share, signal);
  if (faults.all !== undefined) {
    return failed(what, `it can't be published: ${faults.all}`, "share less of it: gtr help share");
  }
  if (diverged.length > 0) {
    // Whatever networks there are, this address is looked for on all of them.
    const address = formatAddress({ scheme: "gtr", id, name });
    return warning(
      what,
      `diverged from what was pushed to its address: ${named(diverged)}`,
      `in that repository, on that branch: ${remedy(diverged[0]!, address)}`,
    );
  }
  const [fault] = faults.some;
  if (fault !== undefined) {
    const more = faults.some.length - 1;
    return warning(what, more > 0 ? `${fault}; nor are ${more} others` : fault, "rename it");
  }
  const running = await gtd();
  const [hindrance] = (await running?.own({}, { signal }))?.[name]?.hindrances ?? [];
  if (hindrance !== undefined) return warning(what, hindrance, "gtr status lists all of them");
  if (pending.length > 0) {
    const hint = running ? "gtr daemon logs says why, if it stays so" : "gtr daemon start";
    return warning(what, `not yet published: ${named(pending)}`, hint);
  }
  return ok(what, branches.length > 0 ? `published: ${named(branches)}` : "shares nothing");
}
