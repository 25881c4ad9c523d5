/**
 * One pack from whichever network delivers it first.
 *
 * @module
 */
import { rename, rm } from "node:fs/promises";
import { NetworkError, toGtrError } from "../common/errors.ts";
import type { Wait } from "../common/wait.ts";
import type { PackRef, SignedManifest } from "../manifest/types.ts";
import type { Transport } from "../transports/transport.ts";

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
  wait: Wait,
): Promise<void> {
  const won = new AbortController();
  const signal = AbortSignal.any([wait.signal, won.signal]);
  let most = 0;

  const attempt = async (transport: Transport, onFirstByte: () => void): Promise<string> => {
    const file = transport === transports[0] ? into : `${into}.${transport.scheme}`;
    await transport.fetch(pack, from, file, {
      signal,
      progress: (done, total, what) => {
        if (done > 0) onFirstByte();
        if (done > most) wait.progress?.(most = done, total, what);
      },
    });
    return file;
  };

  const running: Promise<string>[] = [];
  let failure: unknown = new NetworkError(
    "no-transport",
    "can't fetch packs: no network is enabled",
  );
  try {
    for (const transport of transports) {
      let started = () => {};
      const sending = new Promise<"sending">((resolve) => started = () => resolve("sending"));
      const mine = attempt(transport, started);
      mine.catch((error) => failure = error);
      running.push(mine);
      const next = await Promise.race([
        sending,
        mine.then(() => "done" as const, () => "failed" as const),
        patience(signal),
      ]);
      if (next === "done") break;
      if (next === "sending" && await mine.then(() => true, () => false)) break;
    }
    const file = await Promise.any(running).catch(() => {
      wait.signal.throwIfAborted();
      throw toGtrError(failure);
    });
    if (file !== into) await rename(file, into);
  } finally {
    won.abort();
    await Promise.allSettled(running);
    await Promise.all(
      transports.slice(1).map((t) => rm(`${into}.${t.scheme}`, { force: true })),
    );
  }
}

function patience(signal: AbortSignal): Promise<"waited"> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve("waited");
    };
    const timer = setTimeout(done, HEDGE_MS);
    signal.addEventListener("abort", done, { once: true });
  });
}
