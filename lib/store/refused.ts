/**
 * What is not fetched again unless a person asks for it: unpacking it takes more than its budget.
 *
 * @module
 */
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import type { Home } from "../common/home.ts";
import { Mutex } from "../common/mutex.ts";

/** The oldest are forgotten first. */
const MOST = 256;

const Sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const RefusedEntry = v.object({
  /** Of a pack, or of the manifest whose objects came live. */
  sha256: Sha256,
  publisher: Sha256,
  name: v.string(),
  why: v.string(),
});
const RefusedFile = v.object({ version: v.literal(1), refused: v.array(RefusedEntry) });

/** One thing that was refused. */
export type Refused = v.InferOutput<typeof RefusedEntry>;

/** The list in `store/refused.json`. */
export class RefusedList {
  readonly #path: string;
  readonly #turns = new Mutex();
  #entries: Promise<readonly Refused[]> | undefined;

  constructor(home: Home) {
    this.#path = join(home.store, "refused.json");
  }

  /** All of them, the oldest first. A damaged file counts as empty: it only saves work. */
  all(): Promise<readonly Refused[]> {
    return this.#entries ??= readTextIfPresent(this.#path)
      .then((text) => text === undefined ? [] : v.parse(RefusedFile, JSON.parse(text)).refused)
      .catch(() => []);
  }

  /** The first of these that was refused. */
  async find(sha256s: readonly string[]): Promise<Refused | undefined> {
    return (await this.all()).find(({ sha256 }) => sha256s.includes(sha256));
  }

  /** @throws {StoreError} if it can't be written; it is remembered until this process ends */
  async add(entry: Refused): Promise<void> {
    await this.#change((all) => [...all.filter(({ sha256 }) => sha256 !== entry.sha256), entry]);
  }

  /** Forgets what was refused of a repository, once that is up to date or no longer followed. */
  async forget({ publisher, name }: Pick<Refused, "publisher" | "name">): Promise<void> {
    const isOther = (entry: Refused) => entry.publisher !== publisher || entry.name !== name;
    if ((await this.all()).every(isOther)) return;
    await this.#change((all) => all.filter(isOther));
  }

  async #change(change: (all: readonly Refused[]) => readonly Refused[]): Promise<void> {
    await this.#turns.run("", async () => {
      const refused = change(await this.all()).slice(-MOST);
      this.#entries = Promise.resolve(refused);
      await writeFileAtomic(this.#path, JSON.stringify({ version: 1, refused }, null, 2) + "\n");
    });
  }
}
