/**
 * Which repositories of others this user follows: `follows.json` in the home.
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { StoreError } from "../common/errors.ts";
import { lockFile } from "../common/file_lock.ts";
import type { Home } from "../common/home.ts";
import { repositoryNameFault } from "../common/repository_name.ts";
import { isBranchName, MAX_BRANCHES } from "../manifest/branches.ts";
import { isPublisher } from "./repo_paths.ts";

const FollowsFile = v.looseObject({
  version: v.literal(1),
  follows: v.array(v.looseObject({
    /** The network that it was asked for on: "torrent". */
    scheme: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9+.-]*$/)),
    publisher: v.pipe(v.string(), v.check(isPublisher)),
    name: v.pipe(v.string(), v.check((name) => repositoryNameFault(name) === undefined)),
    branches: v.optional(v.pipe(
      v.array(v.pipe(v.string(), v.check(isBranchName))),
      v.minLength(1),
      v.maxLength(MAX_BRANCHES),
    )),
  })),
});

/** One followed repository. */
export interface Follow {
  readonly scheme: string;
  /** Public key, 64 hex digits. */
  readonly publisher: string;
  readonly name: string;
  /** Short names; only publications that change one of these are fetched. Absent: all are. */
  readonly branches?: readonly string[];
}

/** The list, kept in one file that several processes may change. */
export class Follows {
  readonly #home: Home;

  constructor(home: Home) {
    this.#home = home;
  }

  /**
   * All of them, in the order in which they were added.
   *
   * @throws {StoreError} "bad-follows" if the file is not what gtr writes
   */
  async list(): Promise<Follow[]> {
    return (await this.#read()).follows.map(({ scheme, publisher, name, branches }) => ({
      scheme,
      publisher,
      name,
      ...(branches && { branches }),
    }));
  }

  /** How this repository is followed; undefined if it isn't. */
  async find(repository: Pick<Follow, "publisher" | "name">): Promise<Follow | undefined> {
    return (await this.list()).find((follow) => isSame(follow, repository));
  }

  /** Whether this repository is followed. */
  async has(repository: Pick<Follow, "publisher" | "name">): Promise<boolean> {
    return await this.find(repository) !== undefined;
  }

  /** Adds a repository; one that is there already stays as it is. */
  async add(follow: Follow, signal: AbortSignal): Promise<void> {
    await this.#change(
      signal,
      (follows) => follows.some((other) => isSame(other, follow)) ? follows : [...follows, follow],
    );
  }

  /** Adds a repository; of one that is there already the branches are replaced. */
  async put(follow: Follow, signal: AbortSignal): Promise<void> {
    const { branches } = follow;
    await this.#change(
      signal,
      (follows) =>
        follows.some((other) => isSame(other, follow))
          ? follows.map((other) => isSame(other, follow) ? { ...other, branches } : other)
          : [...follows, follow],
    );
  }

  /** Takes a repository off the list; says whether it was there. */
  async remove(
    repository: Pick<Follow, "publisher" | "name">,
    signal: AbortSignal,
  ): Promise<boolean> {
    return await this.#change(
      signal,
      (follows) => follows.filter((follow) => !isSame(follow, repository)),
    );
  }

  async #change(
    signal: AbortSignal,
    change: (follows: Entries) => readonly Follow[],
  ): Promise<boolean> {
    await this.#home.ensure();
    using _lock = await lockFile(`${this.#home.follows}.lock`, signal);
    const file = await this.#read();
    const follows = change(file.follows);
    if (JSON.stringify(follows) === JSON.stringify(file.follows)) return false;
    const text = JSON.stringify({ ...file, follows }, null, 2) + "\n";
    await writeFileAtomic(this.#home.follows, text);
    return true;
  }

  async #read(): Promise<v.InferOutput<typeof FollowsFile>> {
    const path = this.#home.follows;
    const content = await readTextIfPresent(path);
    if (content === undefined) return { version: 1, follows: [] };
    try {
      return v.parse(FollowsFile, JSON.parse(content));
    } catch (cause) {
      throw new StoreError("bad-follows", `can't read ${path}: it is not a list of followed ones`, {
        hint: "mend it, or move it away and run gtr follow for each repository again",
        cause,
      });
    }
  }
}

type Entries = v.InferOutput<typeof FollowsFile>["follows"];

function isSame(
  a: Pick<Follow, "publisher" | "name">,
  b: Pick<Follow, "publisher" | "name">,
): boolean {
  return a.publisher === b.publisher && a.name === b.name;
}
