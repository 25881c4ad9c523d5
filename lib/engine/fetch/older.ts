/**
 * The newest publication that somebody has, if nobody online has the newest of all: its publisher
 * has told the networks of it and left before anyone fetched it.
 *
 * @module
 */
import { type GtrError, NetworkError } from "../../common/errors.ts";
import type { Wait } from "../../common/wait.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import { fetchLive } from "../live/fetch_live.ts";
import type { EngineParts } from "../parts.ts";

/** How often a peer with something newer is looked for: each time takes the seconds of `live.wait`. */
const TRIES = 3;

/**
 * Brings the newest publication before `newest` into the store that a reachable peer has whole, and
 * remembers that there is a newer one: nothing before that is taken from now on. To be called with the
 * repository's lock held.
 *
 * @param failure why `newest` can't be had
 * @returns what the store has whole now
 * @throws `failure` if nobody has any
 */
export async function fetchOlder(
  parts: EngineParts,
  repository: StoredRepository,
  newest: SignedManifest,
  failure: GtrError,
  wait: Wait & { readonly bounded: boolean },
): Promise<SignedManifest> {
  const { manifest } = newest;
  const stored = await repository.usableManifest();
  let best = stored && await repository.isWhole() ? stored : undefined;
  // Peers that can't be connected to for the newest can't be for another either.
  const tries = failure.code === "out-of-reach" ? 0 : TRIES;
  for (let i = 0; i < tries; i++) {
    const sequence = await repository.highestSequence() + 1;
    if (sequence >= manifest.sequence) break;
    // The same repository at the same places; it is the peer's own manifest that is verified.
    const wanted = { ...newest, manifest: { ...manifest, sequence } };
    const found = await fetchLive(parts, repository, wanted, wait).catch((error) => {
      if (wait.signal.aborted || !(error instanceof NetworkError)) throw error;
    });
    if (!found) break;
    best = found;
  }
  if (!best) throw failure;
  await repository.writeState({ sequence: manifest.sequence });
  return best;
}
