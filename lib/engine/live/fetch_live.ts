/**
 * Bringing the store up to date from a live peer: git itself finds out what is missing.
 *
 * @module
 */
import {
  GitError,
  type GtrError,
  NetworkError,
  RequestError,
  toGtrError,
  VerificationError,
} from "../../common/errors.ts";
import { deadline, type Wait } from "../../common/wait.ts";
import { OverBudgetError, unpackBudget } from "../../git_interface/budget.ts";
import { gitFetchPack } from "../../git_interface/git_fetch_pack.ts";
import { oneTimeGitPort } from "../../git_interface/git_port.ts";
import { isAnnounced } from "../../manifest/flow.ts";
import type { SignedManifest } from "../../manifest/types.ts";
import type { StoredRepository } from "../../store/stored_repository.ts";
import type { LiveStream } from "../../ports/streams.ts";
import { firstStream } from "./dial.ts";
import { joinLive } from "./git_client.ts";
import type { EngineParts } from "../parts.ts";

/** Peers that are tried, one after the other: a stream may break, and each begins anew. */
const ATTEMPTS = 3;

/** How much is unpacked of a live stream if nobody waits for it: its size is known only afterwards. */
const ANNOUNCED_BYTES = 64 << 20;

/** What another peer, or packs, may make up for; git's own failures are those of what it was sent. */
const PEERS_FAULTS = [NetworkError, VerificationError, GitError];

/**
 * Fetches the state that `signed` describes, or a newer one if the peer shows one. To be called
 * with the repository's lock held.
 *
 * @returns what is stored now; undefined if no peer delivers and packs have to do
 * @throws {NetworkError} "no-live-peer" if nobody delivers what is only announced
 * @throws {RequestError} "over-quota" if what is only announced doesn't fit
 * @throws {OverBudgetError} if what is only announced takes too much to unpack
 * @throws {StoreError} "disk-full"
 */
export async function fetchLive(
  parts: EngineParts,
  repository: StoredRepository,
  signed: SignedManifest,
  wait: Wait & { readonly bounded: boolean },
): Promise<SignedManifest | undefined> {
  let failure: GtrError | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const stream = await findStream(parts, signed, wait.signal).catch((error) => {
      wait.signal.throwIfAborted();
      failure ??= toGtrError(error);
    });
    if (!stream) break;
    wait.trace?.(`live peer ${stream.peer}, publication ${stream.manifest.manifest.sequence}`);
    try {
      await receive(parts, repository, stream, wait);
      return stream.manifest;
    } catch (error) {
      wait.signal.throwIfAborted();
      if (error instanceof VerificationError) parts.dropped.add(error.code);
      // What packs take is signed, and those that they replace no longer count. Another peer would
      // send as much as this one.
      const isOverQuota = error instanceof RequestError && error.code === "over-quota";
      if (isOverQuota || error instanceof OverBudgetError) {
        if (isAnnounced(signed.manifest)) throw error;
        return undefined;
      }
      if (!PEERS_FAULTS.some((Kind) => error instanceof Kind)) throw error;
      failure = toGtrError(error);
      stream.close(true);
      parts.log(`can't fetch ${repository.name} from ${stream.peer}: ${failure.message}`);
    } finally {
      stream.close();
    }
  }
  if (!isAnnounced(signed.manifest)) return undefined;
  throw new NetworkError(
    "no-live-peer",
    `can't fetch ${repository.name}: its publisher only announces it, and no peer serves it now: ` +
      failure?.message,
    {
      hint: "the publisher, or someone who cloned it, must be online; try again later",
      cause: failure,
    },
  );
}

async function findStream(
  parts: EngineParts,
  signed: SignedManifest,
  signal: AbortSignal,
): Promise<LiveStream> {
  const seconds = parts.settings.get("live.wait");
  using limit = deadline(seconds * 1000, `a live peer of ${signed.manifest.name}`, signal);
  return await firstStream(parts, { signed }, limit.signal);
}

async function receive(
  parts: EngineParts,
  repository: StoredRepository,
  stream: LiveStream,
  wait: Wait & { readonly bounded: boolean },
): Promise<void> {
  const { manifest } = stream.manifest;
  const first = (await repository.packs()).length === 0;
  using room = await parts.quota.room(repository, manifest);
  const budget = wait.bounded ? unpackBudget(Math.min(room.bytes, ANNOUNCED_BYTES)) : undefined;
  let received = 0;
  const stop = new AbortController();
  const signal = AbortSignal.any([wait.signal, room.signal, stop.signal]);
  let fault: GtrError | undefined; // the peer's: git sees only that the stream has ended
  const source = await oneTimeGitPort({
    signal,
    missed: () => stream.close(),
    serve: async (git) => {
      fault = await joinLive(git, stream, {
        idleMs: parts.settings.get("live.idle") * 1000,
        signal,
        received: (bytes) => {
          if (received === 0) wait.trace?.("first bytes of the live stream");
          received += bytes;
          if (received > room.bytes) throw room.exceeded();
        },
        dropped: (reason) => parts.dropped.add(reason),
      });
    },
  });
  try {
    await repository.receive(stream.manifest, async (into) => {
      const { whole } = await gitFetchPack(source, {
        ...into,
        signal,
        progress: wait.progress,
        budget,
        wants: [...new Set(Object.values(manifest.refs))],
        keep: true,
        proof: first,
        cloning: first,
      }).catch((error) => {
        throw fault ?? error;
      });
      wait.trace?.(`${received} bytes here and indexed`);
      await parts.quota.settle(repository, manifest);
      return { whole };
    }, { signal, trace: wait.trace, budget });
    wait.trace?.("stored");
  } finally {
    stop.abort();
  }
  const { sequence } = manifest;
  parts.log(`followed ${repository.name}: publication ${sequence}, ${received} bytes live`);
}
