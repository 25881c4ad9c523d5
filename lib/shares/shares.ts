/**
 * Which repositories this user shares: `shares.json` in the home.
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { StoreError } from "../common/errors.ts";
import { lockFile } from "../common/file_lock.ts";
import type { Home } from "../common/home.ts";

const SharesFile = v.looseObject({
  version: v.literal(1),
  shares: v.array(v.looseObject({
    /** The common git directory, absolute, links resolved. */
    gitDir: v.pipe(v.string(), v.regex(/^([A-Za-z]:)?[\\/]/)),
    /** The last part of the address; no two shares have the same. */
    name: v.pipe(v.string(), v.minLength(1)),
  })),
});

/** One shared repository. */
export interface Share {
  readonly gitDir: string;
  readonly name: string;
}

/** The list of shares, kept in one file that several processes may change. */
export class Shares {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /**
   * All shares, in the order they were added.
   *
   * @throws {StoreError} "bad-shares" where the file is not what gtr writes
   */
  async list(): Promise<Share[]> {
    return (await this.#read()).shares.map(({ gitDir, name }) => ({ gitDir, name }));
  }

  /** Adds a share, in place of those with the same folder or the same name. */
  async add(share: Share): Promise<void> {
    const file = await this.#read();
    const present = file.shares.find((s) => s.gitDir === share.gitDir && s.name === share.name);
    if (present) return;
    const others = file.shares.filter((s) => s.gitDir !== share.gitDir && s.name !== share.name);
    await this.#write({ ...file, shares: [...others, { ...share }] });
  }

  /** Takes the share of this folder off the list; says whether it was there. */
  async remove(gitDir: string): Promise<boolean> {
    const file = await this.#read();
    const shares = file.shares.filter((s) => s.gitDir !== gitDir);
    if (shares.length === file.shares.length) return false;
    await this.#write({ ...file, shares });
    return true;
  }

  /**
   * Holds every other process off the shares (and the settings of shared repositories) until
   * disposed. The kernel frees the lock of a process that dies.
   *
   * @throws the signal's reason where another process holds it for longer
   */
  async lock(signal: AbortSignal): Promise<Disposable> {
    await this.#home.ensure();
    return await lockFile(`${this.#home.shares}.lock`, signal);
  }

  async #read(): Promise<v.InferOutput<typeof SharesFile>> {
    const path = this.#home.shares;
    const content = await readTextIfPresent(path);
    if (content === undefined) return { version: 1, shares: [] };
    try {
      return v.parse(SharesFile, JSON.parse(content));
    } catch (cause) {
      throw new StoreError("bad-shares", `can't read ${path}: it is not a list of shares`, {
        hint: "mend it, or move it away and run gtr init in each shared repository",
        cause,
      });
    }
  }

  async #write(file: v.InferOutput<typeof SharesFile>): Promise<void> {
    await this.#home.ensure();
    await writeFileAtomic(this.#home.shares, JSON.stringify(file, null, 2) + "\n");
  }
}
