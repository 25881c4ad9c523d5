/**
 * What domains have said of their names: `registry.json`, which several programs share.
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { StoreError } from "../common/errors.ts";
import { lockForChange } from "../common/file_lock.ts";
import { isPublisher } from "./publisher.ts";

/** What is known of one name at a domain. */
export interface KnownName {
  /** Id or public key, hex. */
  readonly publisher: string;
  /** Where the domain last said that they are, on networks that need that. */
  readonly relays?: readonly string[];
  /** Since when the domain names this publisher, as far as was seen: seconds since 1970. */
  readonly since: number;
  /** When the domain last said so. */
  readonly confirmed: number;
}

const MAX_NAMES = 1000;

const Seconds = v.pipe(v.number(), v.integer(), v.minValue(0));
const RegistryFileSchema = v.looseObject({
  version: v.literal(1),
  names: v.record(
    v.string(),
    v.looseObject({
      publisher: v.custom<string>(isPublisher),
      relays: v.optional(v.array(v.string())),
      since: Seconds,
      confirmed: Seconds,
    }),
  ),
});
type Content = v.InferOutput<typeof RegistryFileSchema>;

/** The known names in one file; a missing file holds none. */
export class RegistryFile {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * What is known of `name`, "user@domain".
   *
   * @throws {StoreError} "bad-registry-file" where the file is not what gtr writes: it can't be
   * ignored, since it is what a changed key is told by
   */
  async get(name: string): Promise<KnownName | undefined> {
    const { names } = await this.#read();
    return Object.hasOwn(names, name) ? names[name] : undefined;
  }

  /**
   * Replaces what is known of `name`, with no other program doing the same meanwhile. Of more than
   * 1,000 names those are forgotten whose confirmation is oldest.
   */
  async change(
    name: string,
    change: (known: KnownName | undefined) => KnownName,
  ): Promise<KnownName> {
    using _lock = await lockForChange(this.#path);
    const file = await this.#read();
    const known = change(Object.hasOwn(file.names, name) ? file.names[name] : undefined);
    const others = Object.entries(file.names).filter(([other]) => other !== name)
      .sort(([, a], [, b]) => b.confirmed - a.confirmed).slice(0, MAX_NAMES - 1);
    const names = Object.fromEntries([[name, known] as const, ...others]);
    await writeFileAtomic(this.#path, JSON.stringify({ ...file, names }, null, 2) + "\n");
    return known;
  }

  async #read(): Promise<Content> {
    const text = await readTextIfPresent(this.#path);
    if (text === undefined) return { version: 1, names: {} };
    try {
      return v.parse(RegistryFileSchema, JSON.parse(text));
    } catch (cause) {
      throw new StoreError(
        "bad-registry-file",
        `can't read ${this.#path}: it is not gtr's list of names at domains`,
        {
          hint: "mend it, or move it away: what domains say next is then believed as at first",
          cause,
        },
      );
    }
  }
}
