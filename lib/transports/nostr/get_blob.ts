/**
 * A blob from the first of several sources that has it right.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { NetworkError, StoreError, toGtrError, VerificationError } from "../../common/errors.ts";
import type { Reach } from "../../common/reach.ts";
import type { Wait } from "../../common/wait.ts";
import type { FetchWait } from "../transport.ts";
import { downloadBlob } from "./blossom/download.ts";

/** Where a blob may be. */
export interface BlobSource {
  /** For a person. */
  readonly name: string;
  /** Appends to what is in the file `into` already; its deadlines are its own. */
  fetch(into: string, wait: Wait): Promise<void>;
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
 * Fetches a blob into the file `into`, after what is there already. Where the whole is wrong, what
 * was there or the source may be: the same source gets another chance with an empty file.
 *
 * @throws {NetworkError} "nobody-answered" where no source delivers it
 */
export async function getBlob(blob: WantedBlob, into: string, wait: FetchWait): Promise<void> {
  const failures: string[] = [];
  let { prefix } = wait;
  for (const source of blob.sources) {
    for (;;) {
      const before = await sizeOf(into);
      try {
        await source.fetch(into, {
          signal: wait.signal,
          progress: (done, total, doing) => {
            prefix?.(done);
            wait.progress?.(done, total, doing);
          },
        });
        if (await sha256Of(into, wait.signal) === blob.sha256) return;
        await rm(into, { force: true });
        throw new VerificationError("wrong-blob", `${source.name} sends other bytes`);
      } catch (thrown) {
        wait.signal.throwIfAborted();
        prefix = undefined; // what was told may be wrong
        const error = toGtrError(thrown);
        if (error instanceof StoreError) throw error;
        const mayBeOurs = before > 0 && error instanceof VerificationError;
        if (mayBeOurs) await rm(into, { force: true });
        if (mayBeOurs) continue;
        if (error instanceof VerificationError) blob.dropped(error.code);
        failures.push(error.message);
        break;
      }
    }
  }
  const why = failures.length === 0 ? "no server is known that could have it" : failures.join("; ");
  throw new NetworkError("nobody-answered", `can't fetch ${blob.what}: ${why}`, {
    hint: "try again later, or add a server that has it to nostr.blossom",
  });
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
    fetch: (into, wait) => downloadBlob(url, size, into, wait, timeout, nearest),
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
