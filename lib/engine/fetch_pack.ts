/**
 * Packs from all networks that may have them, several at once.
 *
 * @module
 */
import { copyFile, rename, rm, stat } from "node:fs/promises";
import { type GtrError, NetworkError, StoreError, toGtrError } from "../common/errors.ts";
import { sleep } from "../common/wait.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import { checkPackFile } from "../store/pack_check.ts";
import type { FetchWait, Transport } from "../transports/transport.ts";
import {
  type Attempt,
  bestNetwork,
  isOvertaken,
  isSilent,
  type Network,
  untried,
} from "./pack_networks.ts";

/** How often it is looked whether a network should get company, in milliseconds. */
const LOOK_MS = 200;

/**
 * The networks that the packs of one manifest are fetched from. Of several packs each network gets
 * some, a faster one more; one that has failed is asked only for what no other has.
 */
export class PackSources {
  readonly #networks: readonly Network[];

  /** @param transports the first gets the first pack */
  constructor(transports: readonly Transport[]) {
    this.#networks = transports.map(untried);
  }

  /** How many bytes came from which network, for the log: "1200 from torrent, 300 from default". */
  get shares(): string {
    return this.#networks.filter(({ bytes }) => bytes > 0)
      .map(({ transport, bytes }) => `${bytes} from ${transport.scheme}`).join(", ") || "0";
  }

  /**
   * Fetches `pack` into the file `into`. One network begins; the next one joins as soon as the one
   * before fails, has sent nothing for two seconds, or would take much longer than one that has
   * nothing else to do. The first whole file wins. Each network writes to a file of its own, and
   * begins with what is there of the pack. When this settles, nobody writes any more.
   *
   * @throws {NetworkError} that tells of every network why, where none delivers
   */
  async fetch(
    pack: PackRef,
    from: SignedManifest,
    into: string,
    wait: FetchWait,
  ): Promise<void> {
    const won = new AbortController();
    const signal = AbortSignal.any([wait.signal, won.signal]);
    const besides = this.#networks.map(({ transport }) => `${into}.${transport.scheme}`);
    const attempts: Attempt[] = [];
    let most = 0;
    let winner: string | undefined;

    const begin = (network: Network) => {
      const i = this.#networks.indexOf(network);
      const file = i === 0 ? into : besides[i]!;
      const run = async () => {
        const what = `pack ${pack.sha256.slice(0, 12)}`;
        wait.trace?.(`asking ${network.transport.scheme} for ${what}`);
        await takeOver(file, [into, ...besides]);
        const before = await held(file);
        await network.transport.fetch(pack, from, file, {
          signal,
          trace: wait.trace,
          prefix: file === into ? wait.prefix : undefined,
          patience: wait.patience,
          progress: (done, total, name) => {
            if (done <= attempt.done) return;
            if (attempt.bytes === 0 && done > before) wait.trace?.(`first bytes of ${what}`);
            noteProgress(attempt, done, done - before);
            if (done > most) wait.progress?.(most = done, total, name);
          },
        });
        // The store checks it too; here another network could make up for a bad one.
        if (this.#networks.length > 1) await checked(file, pack, signal);
        winner ??= file;
        return file;
      };
      const now = performance.now();
      // Not before `attempt` is there.
      const result = Promise.resolve().then(run).catch((error) => {
        attempt.failure = toGtrError(error);
        network.failed ||= !signal.aborted;
        throw error;
      }).finally(() => {
        network.running.delete(attempt);
        network.ms += performance.now() - now;
      });
      const attempt: Attempt = { network, started: now, moved: now, done: 0, bytes: 0, result };
      network.running.add(attempt);
      attempts.push(attempt);
      return attempt;
    };
    const allEnded = () => Promise.allSettled(attempts.map(({ result }) => result));
    const next = () => bestNetwork(this.#networks, attempts);

    try {
      for (let network = next(); network && winner === undefined; network = next()) {
        const attempt = begin(network);
        const oneWhole = Promise.any(attempts.map(({ result }) => result)).catch(() => {});
        while (winner === undefined && !attempt.failure) {
          const look = new AbortController();
          const pause = sleep(LOOK_MS, AbortSignal.any([signal, look.signal])).catch(() => {});
          await Promise.race([oneWhole, attempt.result.catch(() => {}), pause]);
          look.abort();
          wait.signal.throwIfAborted();
          network.stalled = isSilent(attempt);
          if (network.stalled || isOvertaken(attempt, pack.size, next())) break;
        }
      }
      const whole = await Promise.any(attempts.map(({ result }) => result)).catch(() => {
        wait.signal.throwIfAborted();
        throw failureOf(attempts, pack);
      });
      won.abort();
      await allEnded();
      if (whole !== into) await rename(whole, into);
      await Promise.all(besides.map((file) => rm(file, { force: true })));
    } finally {
      won.abort();
      await allEnded();
    }
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

/** What one network has brought is a start for the next one, which checks it. */
async function takeOver(file: string, files: readonly string[]): Promise<void> {
  if (await held(file) > 0) return;
  const sizes = await Promise.all(files.map(held));
  const most = Math.max(...sizes);
  if (most > 0) await copyFile(files[sizes.indexOf(most)]!, file).catch(() => {}); // a saving only
}

/** How many bytes are in a file, holes left out. */
async function held(file: string): Promise<number> {
  const info = await stat(file).catch(() => undefined);
  return info ? Math.min(info.size, info.blocks ? info.blocks * 512 : info.size) : 0;
}

function failureOf(attempts: readonly Attempt[], { sha256 }: PackRef): GtrError {
  const failures = attempts.map(({ failure }) => failure!);
  const [first] = failures;
  if (!first) {
    return new NetworkError("no-transport", "can't fetch packs: no network is enabled", {
      hint: "gtr config transports",
    });
  }
  const ours = failures.find((failure) => failure instanceof StoreError);
  if (ours || failures.length === 1) return ours ?? first;
  const each = attempts.map(({ network, failure }) =>
    `${network.transport.scheme}: ${failure!.message}`
  );
  const what = `can't fetch pack ${sha256.slice(0, 12)}`;
  return new NetworkError(first.code, `${what}: ${each.join("; ")}`, {
    hint: failures.find(({ hint }) => hint !== undefined)?.hint ??
      "try again when its publisher, or someone who cloned it, is online",
    cause: first,
  });
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
