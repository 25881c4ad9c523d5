/**
 * Keeping files on the Blossom servers that the user set.
 *
 * @module
 */
import { type GtrError, toGtrError } from "../../../common/errors.ts";
import { deadline } from "../../../common/wait.ts";
import type { NostrSigner } from "../events/signer.ts";
import { mayAsk } from "../may_ask.ts";
import { sizeOfBlob } from "./download.ts";
import { type BlobFile, mirrorBlob, uploadBlob } from "./upload.ts";

const LOOK_MS = 5_000;

/** What {@linkcode BlobStore} works with. */
export interface BlobStoreParts {
  readonly servers: readonly string[];
  readonly signer: (signal: AbortSignal) => Promise<NostrSigner>;
  readonly log: (message: string) => void;
}

/** Uploads what a server doesn't have yet, and remembers what it has. */
export class BlobStore {
  /** "<server>/<sha256>" of what was there when it was last looked. */
  readonly #stored = new Set<string>();

  constructor(readonly parts: BlobStoreParts) {}

  /** From now on looks again whether what was stored is still there. */
  doubt(): void {
    this.#stored.clear();
  }

  /**
   * Makes sure that the servers have a file. From the second one on they copy it from the first
   * (BUD-04), which saves one's own line; where they won't, it is uploaded.
   *
   * @returns the URLs where it is now, in the order of the servers, and what was in the way elsewhere
   */
  async store(
    file: BlobFile,
    signal: AbortSignal,
  ): Promise<{ urls: string[]; failures: GtrError[] }> {
    const { servers, log } = this.parts;
    const urls = servers.map((server) => `${server}/${file.sha256}`);
    const failures: GtrError[] = [];
    const lacking = (await Promise.all(servers.map(async (server) => {
      const url = `${server}/${file.sha256}`;
      if (this.#stored.has(url)) return [];
      using limit = deadline(LOOK_MS, `${server} to say whether it has a blob`, signal);
      const size = await sizeOfBlob(url, limit.signal).catch(() => undefined);
      signal.throwIfAborted();
      if (size !== file.size) return [server];
      this.#stored.add(url);
      return [];
    }))).flat();
    for (const server of lacking) {
      const source = urls.find((url) => this.#stored.has(url));
      try {
        await this.#put(server, file, source, signal);
        this.#stored.add(`${server}/${file.sha256}`);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toGtrError(thrown);
        failures.push(error);
        log(`can't store ${file.sha256.slice(0, 12)} on ${server}: ${error.message}`);
      }
    }
    return { urls: urls.filter((url) => this.#stored.has(url)), failures };
  }

  async #put(
    server: string,
    file: BlobFile,
    source: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const signer = await this.parts.signer(signal);
    if (source !== undefined && mayAsk(source, [server])) {
      try {
        await mirrorBlob(server, source, file.sha256, signer, { signal });
        return;
      } catch {
        signal.throwIfAborted(); // it can't, or won't: then as to the first
      }
    }
    await uploadBlob(server, file, signer, { signal });
  }
}
