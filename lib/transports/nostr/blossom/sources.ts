/**
 * A blob from the first of several sources that has it right.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import {
  type GtrError,
  NetworkError,
  StoreError,
  toGtrError,
  VerificationError,
} from "../../../common/errors.ts";
import type { Reach } from "../../../common/reach.ts";
import type { Progress, Wait } from "../../../common/wait.ts";
import type { FetchWait } from "../../../ports/packs.ts";
import { downloadBlob } from "./download.ts";

/** Where a blob may be. */
export interface BlobSource {
  /** For a person. */
  readonly name: string;
  /**
   * Appends to what is in the file `into` already; its deadlines are its own.
   *
   * @param hurry it is given up where it is slow: there are others
   */
  fetch(into: string, wait: Wait, hurry: boolean): Promise<void>;
}

/** A blob and where it may be. */
export interface WantedBlob {
  /** For a person. */
  readonly what: string;
  readonly sha256: string;
  readonly sources: readonly BlobSource[];
  readonly dropped: (reason: string) => void;
}

/**
 * Fetches a blob into the file `into`, after what is there already. A source that is slow is left for
 * the others, and asked again where these don't have it: the one that brought most first.
 *
 * @throws {NetworkError} "nobody-answered" where no source delivers it, "no-source" if there is none
 */
export async function getBlob(blob: WantedBlob, into: string, wait: FetchWait): Promise<void> {
  const { sources } = blob;
  const failures: string[] = [];
  const slow: { readonly source: BlobSource; readonly brought: number }[] = [];
  let { prefix } = wait;
  const ask = async (source: BlobSource, hurry: boolean): Promise<boolean> => {
    const before = await sizeOf(into);
    const fault = await attempt(blob, source, into, { ...wait, prefix }, hurry);
    if (fault === undefined) return true;
    prefix = undefined; // what was told may be wrong
    const brought = await sizeOf(into) - before;
    if (hurry && fault.code === "nobody-answered" && brought > 0) slow.push({ source, brought });
    else failures.push(fault.message);
    return false;
  };
  for (const [i, source] of sources.entries()) {
    if (await ask(source, i < sources.length - 1 || slow.length > 0)) return;
  }
  for (const { source } of slow.toSorted((a, b) => b.brought - a.brought)) {
    if (await ask(source, false)) return;
  }
  const isKnown = sources.length > 0;
  const why = isKnown ? failures.join("; ") : "no server is known that could have it";
  const code = isKnown ? "nobody-answered" : "no-source";
  throw new NetworkError(code, `can't fetch ${blob.what}: ${why}`, {
    hint: "try again later, or add a server that has it to nostr.blossom",
  });
}

/**
 * Asks one source. Where the whole is wrong, what was there or the source may be: it gets another
 * chance with an empty file.
 *
 * @returns why it didn't deliver the blob; undefined where it did
 */
async function attempt(
  { sha256, dropped }: WantedBlob,
  source: BlobSource,
  into: string,
  { signal, progress, prefix }: FetchWait,
  hurry: boolean,
): Promise<GtrError | undefined> {
  let told = prefix;
  for (;;) {
    const before = await sizeOf(into);
    try {
      const count: Progress = (done, total, doing) => {
        told?.(done);
        progress?.(done, total, doing);
      };
      await source.fetch(into, { signal, progress: count }, hurry);
      if (await sha256Of(into, signal) === sha256) return undefined;
      await rm(into, { force: true });
      throw new VerificationError("wrong-blob", `${source.name} sends other bytes`);
    } catch (thrown) {
      signal.throwIfAborted();
      told = undefined;
      const error = toGtrError(thrown);
      if (error instanceof StoreError) throw error;
      if (!(error instanceof VerificationError)) return error;
      if (before === 0) {
        dropped(error.code);
        return error;
      }
      await rm(into, { force: true });
    }
  }
}

/**
 * A Blossom server.
 *
 * @param size of the blob, in bytes
 * @param timeout milliseconds after which a server that sends nothing, or hardly anything, is given up
 * @param nearest what its name may lead to, where a stranger told it
 */
export function blossomSource(
  url: string,
  size: number,
  timeout: number,
  nearest?: Reach,
): BlobSource {
  return {
    name: new URL(url).origin,
    fetch: (into, wait, hurry) => downloadBlob(url, size, into, wait, { timeout, hurry, nearest }),
  };
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { signal })) hash.update(bytes);
  return hash.digest("hex");
}
