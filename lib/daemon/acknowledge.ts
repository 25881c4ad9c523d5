/**
 * Commands that publish are told that it is done once enough peers have it (`publish.quorum`).
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type { Engine, PublishOutcome } from "../engine/engine.ts";
import { awaitQuorum } from "../engine/publish/quorum.ts";
import { readRepositorySettings } from "../shares/repository_settings.ts";
import type { PublishedState, PushResult } from "./api.ts";
import type { PushRequest } from "./operations.ts";
import { reaches, verdictOf } from "./verdict.ts";

/** One line: why, and what to do, depends on the networks. */
const NOBODY = "nobody can fetch from you as it is; gtr doctor says why, and what to do";

/** What a working repository's publication came to, once it has spread or was given the time to. */
export async function acknowledgePublication(
  engine: Engine,
  gitDir: string,
  outcome: PublishOutcome,
  wait: Wait,
): Promise<PublishedState> {
  const name = (await readRepositorySettings(gitDir))?.name;
  const isShared = outcome.sequence > 0 && name !== undefined;
  const shortfall = isShared ? await spread(engine, name, wait) : undefined;
  const isLost = isShared && verdictOf(reaches(engine.parts.networks))?.who === "nobody";
  const warnings = [...outcome.warnings, ...(isLost ? [NOBODY] : [])];
  return { ...outcome, warnings, shortfall };
}

/**
 * Takes a push, and gives it the time to spread. Where too few peers have it then, each ref
 * that has changed is reported as failed, with words that say that it has changed: nothing that was
 * published can be taken back, but a script that goes on after "ok" must not be misled.
 */
export async function acknowledgedPush(
  engine: Engine,
  { url, ...request }: PushRequest,
  wait: Wait,
): Promise<readonly PushResult[]> {
  const results = await engine.push(url, request, wait);
  if (!results.some(({ ok }) => ok)) return results;
  const { name } = await engine.address(url, wait);
  const why = await spread(engine, name, wait);
  if (why === undefined) return results;
  return results.map((result) => result.ok ? { ref: result.ref, ok: false, why } : result);
}

/** Not longer than the engine lives: its networks may be opened anew with other settings. */
async function spread(engine: Engine, name: string, wait: Wait): Promise<string | undefined> {
  const signal = AbortSignal.any([wait.signal, engine.stopping]);
  return await awaitQuorum(engine.parts, name, { ...wait, signal });
}
