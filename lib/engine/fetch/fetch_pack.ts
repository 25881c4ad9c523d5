/**
 * Packs from all networks that may have them, several at once.
 *
 * @module
 */
import { copyFile, rename, rm, stat } from "node:fs/promises";
import { toGtrError } from "../../common/errors.ts";
import { sleep } from "../../common/wait.ts";
import type { PackRef, SignedManifest } from "../../manifest/types.ts";
import { checkPackFile } from "../../store/pack_check.ts";
import type { OpenNetwork } from "../../ports/network.ts";
import type { FetchWait } from "../../ports/packs.ts";
import { failureOf, stateOf, unanswered } from "./fetch_failure.ts";
import {
  type Attempt,
  bestNetwork,
  hopeless,
  isOvertaken,
  isSilent,
  type PackNetwork,
  untried,
} from "./pack_networks.ts";

/** How often it is looked whether a network should get company, in milliseconds. */
const LOOK_MS = 100;

/**
 * The networks that the packs of one manifest are fetched from. Of several packs each network gets
 * some, a faster one more; one that has failed is asked only for what no other has.
 */
export class PackSources {
  readonly #networks: readonly PackNetwork[];
  readonly #spare: (bytes: number) => boolean;

  /**
   * @param networks the first gets the first pack
   * @param spare takes room for one more copy of a pack, or gives it back: {@linkcode Reservation}
   */
  constructor(networks: readonly OpenNetwork[], spare: (bytes: number) => boolean = () => true) {
    this.#networks = networks.flatMap(({ scheme, packs }) => packs ? untried(scheme, packs) : []);
    this.#spare = spare;
  }

  /** How many bytes came from which network, for the log: "1200 from torrent, 300 from default". */
  get shares(): string {
    return this.#networks.filter(({ bytes }) => bytes > 0)
      .map(({ scheme, bytes }) => `${bytes} from ${scheme}`).join(", ") || "0";
  }

  /**
   * Fetches `pack` into the file `into`. One network begins; the next one joins as soon as the one
   * before fails, has no peer connected for a moment, is silent for too long, or would take much
   * longer than one that has nothing else to do. As soon as one sends something, those that send
   * nothing stop, and may get another turn later. The first whole file wins. Each network writes to a
   * file of its own, and begins with what is there of the pack. When this settles, nobody writes any
   * more. What came in vain is kept for the next time; if room is scarce, the largest file only.
   *
   * @throws {NetworkError} that tells of every network why, if none delivers
   */
  async fetch(
    pack: PackRef,
    from: SignedManifest,
    into: string,
    wait: FetchWait,
  ): Promise<void> {
    const won = new AbortController();
    const files = this.#networks.map(({ scheme }, i) => i === 0 ? into : `${into}.${scheme}`);
    const attempts: Attempt[] = [];
    let most = 0;
    let copies = 0;
    const mayCopy = () => {
      if (!this.#spare(pack.size)) return false;
      copies++;
      return true;
    };
    let whole: string | undefined;
    let changed = Promise.withResolvers<void>();
    const change = () => {
      changed.resolve();
      changed = Promise.withResolvers();
    };

    const begin = (network: PackNetwork) => {
      const file = files[this.#networks.indexOf(network)]!;
      const stop = new AbortController();
      const signal = AbortSignal.any([wait.signal, won.signal, stop.signal]);
      const run = async () => {
        const what = `pack ${pack.sha256.slice(0, 12)}`;
        wait.trace?.(`asking ${network.scheme} for ${what}`);
        const isIdle = (i: number) =>
          !attempts.some(({ network, failure }) => network === this.#networks[i] && !failure);
        await takeOver(file, files, isIdle, mayCopy);
        const before = await held(file);
        await network.packs.fetch(pack, from, file, {
          signal,
          trace: wait.trace,
          prefix: file === into ? wait.prefix : undefined,
          patience: wait.patience,
          connected: (peers) => attempt.peers = peers,
          searched: () => attempt.searched = true,
          progress: (done, total, name) => {
            if (done <= attempt.done) return;
            const isFirst = attempt.bytes === 0;
            noteProgress(attempt, done, done - before);
            if (isFirst && attempt.bytes > 0) {
              wait.trace?.(`first bytes of ${what}`);
              stopIdle(attempts, attempt);
            }
            if (done > most) wait.progress?.(most = done, total, name);
          },
        });
        // The store checks it too; here another network could make up for a bad one. One that is taken
        // in while it comes is hashed once: the network has compared it with what is signed, too.
        const isTakenIn = file === into && wait.prefix !== undefined;
        if (this.#networks.length > 1 && !isTakenIn) await checked(file, pack, signal);
        whole ??= file;
      };
      const now = performance.now();
      const attempt: Attempt = {
        network,
        stop,
        started: now,
        moved: now,
        done: 0,
        bytes: 0,
        // Not before `attempt` is there.
        ended: Promise.resolve().then(run).catch((error) => {
          if (stop.signal.aborted) return void attempts.splice(attempts.indexOf(attempt), 1);
          if (signal.aborted) return;
          attempt.failure = toGtrError(error);
          network.failed = true;
          wait.trace?.(stateOf(attempt));
        }).finally(() => {
          network.running.delete(attempt);
          network.ms += performance.now() - now;
          change();
        }),
      };
      network.running.add(attempt);
      attempts.push(attempt);
    };

    try {
      while (whole === undefined) {
        if (wait.signal.aborted) throw unanswered(wait.signal.reason, attempts, from.manifest.name);
        const next = bestNetwork(this.#networks, attempts);
        const running = attempts.filter(({ failure }) => !failure);
        for (const attempt of running) attempt.network.stalled = isSilent(attempt);
        const needsCompany = running.every((attempt) =>
          attempt.network.stalled || isOvertaken(attempt, pack.size, next)
        );
        if (next && needsCompany && (running.length === 0 || mayCopy())) begin(next);
        else if (running.length === 0 || (!next && hopeless(attempts))) {
          throw failureOf(attempts, pack, from.manifest.name);
        } else await oneOf(changed.promise, LOOK_MS, wait.signal);
      }
    } finally {
      won.abort();
      await Promise.all(attempts.map(({ ended }) => ended));
      if (whole === undefined && !mayCopy()) await keepLargest(files);
      this.#spare(-copies * pack.size);
    }
    if (whole !== into) await rename(whole, into);
    await Promise.all(files.slice(1).map((file) => rm(file, { force: true })));
  }
}

/** Waits for the change, but no longer than `ms`, nor than until the signal aborts. */
async function oneOf(change: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const look = new AbortController();
  const pause = sleep(ms, AbortSignal.any([signal, look.signal])).catch(() => {});
  await Promise.race([change, pause]);
  look.abort();
}

/** What one network sends, no other has to send as well, now or when it recovers. */
function stopIdle(attempts: readonly Attempt[], sending: Attempt): void {
  for (const attempt of attempts) {
    if (attempt !== sending && (attempt.bytes === 0 || isSilent(attempt))) attempt.stop.abort();
  }
}

function noteProgress(attempt: Attempt, done: number, received: number): void {
  const { network } = attempt;
  const more = Math.max(0, received - attempt.bytes);
  attempt.done = done;
  attempt.bytes += more;
  attempt.moved = performance.now();
  network.bytes += more;
  network.stalled = false;
}

/**
 * What one network has brought is a start for the next one, which checks it. It is copied, since not
 * every network can use all of it; without room for that it is moved, if nobody writes to it.
 */
async function takeOver(
  file: string,
  files: readonly string[],
  isIdle: (index: number) => boolean,
  mayCopy: () => boolean,
): Promise<void> {
  if (await held(file) > 0) return;
  const sizes = await Promise.all(files.map(held));
  const most = Math.max(...sizes);
  if (most === 0) return;
  const index = sizes.indexOf(most);
  // Either is a saving only.
  if (!isIdle(index) || mayCopy()) await copyFile(files[index]!, file).catch(() => {});
  else await rename(files[index]!, file).catch(() => {});
}

async function keepLargest(files: readonly string[]): Promise<void> {
  const sizes = await Promise.all(files.map(held));
  const largest = sizes.indexOf(Math.max(...sizes));
  await Promise.all(files.map((file, i) => i === largest ? undefined : rm(file, { force: true })));
}

/** How many bytes are in a file, holes left out. */
async function held(file: string): Promise<number> {
  const info = await stat(file).catch(() => undefined);
  return info ? Math.min(info.size, info.blocks ? info.blocks * 512 : info.size) : 0;
}

/** @throws {VerificationError} the file is not the pack; it is removed then */
async function checked(file: string, pack: PackRef, signal: AbortSignal): Promise<void> {
  try {
    await checkPackFile(file, pack, signal);
  } catch (error) {
    if (!signal.aborted) await rm(file, { force: true });
    throw error;
  }
}
