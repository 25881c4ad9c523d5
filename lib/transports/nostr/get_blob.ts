/**
 * A blob from the first of several servers that has it right.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { NetworkError, StoreError, toGtrError, VerificationError } from "../../common/errors.ts";
import { idleDeadline } from "../../common/wait.ts";
import type { FetchWait } from "../transport.ts";
import { downloadBlob } from "./blossom/download.ts";

/** A blob and where it may be. */
export interface WantedBlob {
  /** For a person. */
  readonly what: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  readonly urls: readonly string[];
  /** Milliseconds without a byte after which a server is given up. */
  readonly timeout: number;
  readonly dropped: (reason: string) => void;
}

/**
 * Downloads a blob into the file `into`, after what is there already. Where the whole is wrong, what
 * was there or the server may be: the same server gets another chance with an empty file.
 *
 * @throws {NetworkError} "nobody-answered" where no server delivers it
 */
export async function getBlob(blob: WantedBlob, into: string, wait: FetchWait): Promise<void> {
  const failures: string[] = [];
  let first: FetchWait["prefix"] = wait.prefix;
  for (const url of blob.urls) {
    for (;;) {
      const before = await sizeOf(into);
      try {
        await download(blob, url, into, { ...wait, prefix: first });
        if (await sha256Of(into, wait.signal) === blob.sha256) return;
        await rm(into, { force: true });
        throw new VerificationError("wrong-blob", `${new URL(url).origin} sends other bytes`);
      } catch (thrown) {
        wait.signal.throwIfAborted();
        first = undefined; // what was told may be wrong
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

async function download(
  { what, size, timeout }: WantedBlob,
  url: string,
  into: string,
  wait: FetchWait,
): Promise<void> {
  using idle = idleDeadline(timeout, `${new URL(url).origin} to send ${what}`, wait.signal);
  await downloadBlob(url, size, into, {
    signal: idle.signal,
    progress: (done, total, doing) => {
      idle.touch();
      wait.prefix?.(done);
      wait.progress?.(done, total, doing);
    },
  });
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path, { signal })) hash.update(bytes);
  return hash.digest("hex");
}
