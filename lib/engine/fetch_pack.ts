/**
 * One pack from whichever network delivers it first.
 *
 * @module
 */
import { rename, rm } from "node:fs/promises";
import { NetworkError, toGtrError } from "../common/errors.ts";
import { abortable, idleDeadline } from "../common/wait.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import { checkPackFile } from "../store/pack_check.ts";
import type { FetchWait, Transport } from "../transports/transport.ts";

/** A network that has sent nothing for this long gets company, in milliseconds. */
const HEDGE_MS = 2000;

/**
 * Fetches `pack` into the file `into`. Networks are tried in order; the next one starts as soon as
 * the one before fails or has sent nothing for two seconds, and the first whole file wins. Each
 * network writes to a file of its own, and what is there of it is resumed.
 *
 * @throws the last network's error where none delivers
 */
export async function fetchPack(
  transports: readonly Transport[],
  pack: PackRef,
  from: SignedManifest,
  into: string,
  wait: FetchWait,
): Promise<void> {
  const won = new AbortController();
  const signal = AbortSignal.any([wait.signal, won.signal]);
  const fileOf = (transport: Transport) =>
    transport === transports[0] ? into : `${into}.${transport.scheme}`;
  let most = 0;

  const attempt = async (transport: Transport, moved: () => void): Promise<string> => {
    const file = fileOf(transport);
    let last = 0;
    await transport.fetch(pack, from, file, {
      signal,
      prefix: file === into ? wait.prefix : undefined,
      progress: (done, total, what) => {
        if (done > last) moved();
        last = done;
        if (done > most) wait.progress?.(most = done, total, what);
      },
    });
    // The store checks it too; here it is done where another network could make up for a bad one.
    if (transports.length > 1) await checked(file, pack, signal);
    return file;
  };

  const running: Promise<string>[] = [];
  let failure: unknown = new NetworkError(
    "no-transport",
    "can't fetch packs: no network is enabled",
    { hint: "gtr config transports" },
  );
  try {
    for (const transport of transports) {
      using quiet = idleDeadline(HEDGE_MS, `a pack from ${transport.scheme}`, signal);
      const mine = attempt(transport, quiet.touch);
      mine.catch((error) => failure = error);
      running.push(mine);
      const done = await abortable(mine, quiet.signal).then(() => true, () => false);
      if (done || signal.aborted) break;
    }
    const winner = await Promise.any(running).catch(() => {
      wait.signal.throwIfAborted();
      throw toGtrError(failure);
    });
    won.abort();
    await Promise.allSettled(running); // nobody writes any more
    if (winner !== into) await rename(winner, into);
    await Promise.all(transports.slice(1).map((t) => rm(fileOf(t), { force: true })));
  } finally {
    won.abort();
    await Promise.allSettled(running);
  }
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
