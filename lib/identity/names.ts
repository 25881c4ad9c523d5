/**
 * A person's petnames: `names.json`, read afresh each time because several programs share it.
 *
 * @module
 */
import * as v from "valibot";
import { readTextIfPresent, writeFileAtomic } from "../common/atomic_file.ts";
import { RequestError, StoreError, UsageError } from "../common/errors.ts";
import { lockForChange } from "../common/file_lock.ts";
import { parseAddress } from "./address.ts";
import { checkPetname, isPetname } from "./petname.ts";
import { isPublisher } from "./publisher.ts";

/** One petname. */
export interface NamedPublisher {
  readonly name: string;
  /** A publisher's id (40 hex digits) or public key (64). */
  readonly publisher: string;
  /** The name at a domain that it was imported from, "user@domain". */
  readonly from?: string;
}

const NamesFile = v.looseObject({
  version: v.literal(1),
  // Not v.record: it leaves out the key "constructor", which is a good petname.
  names: v.custom<Record<string, string>>(isNames),
  /** Petname -> where it was imported from. */
  from: v.optional(v.custom<Record<string, string>>(isTexts)),
});
type NamesFile = v.InferOutput<typeof NamesFile>;
type Entries = Pick<NamesFile, "names" | "from">;

/** The petnames in one file; a missing file holds none. */
export class Names {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * All petnames, in alphabetic order.
   *
   * @throws {StoreError} "bad-names" where the file is not what gtr writes
   */
  async list(): Promise<NamedPublisher[]> {
    const { names, from } = await this.#read();
    return Object.keys(names).sort().map((name) => entry(name, names[name]!, from));
  }

  /** All that is known of a petname, or undefined. */
  async find(name: string): Promise<NamedPublisher | undefined> {
    const { names, from } = await this.#read();
    return Object.hasOwn(names, name) ? entry(name, names[name]!, from) : undefined;
  }

  /** The id or public key that `name` stands for, or undefined. */
  async get(name: string): Promise<string | undefined> {
    return (await this.find(name))?.publisher;
  }

  /**
   * Gives a publisher a name, or another publisher the same name.
   *
   * @param publisher an id, a public key, or a repository address that contains one
   * @param from the name at a domain that said so, "user@domain"
   * @throws {UsageError} "bad-name" or "bad-address"
   */
  async add(name: string, publisher: string, from?: string): Promise<void> {
    checkPetname(name);
    const hex = publisherOf(publisher);
    await this.#change((file) => {
      const { names, from: origins } = without(file, name);
      return {
        names: { ...names, [name]: hex },
        from: from === undefined ? origins : { ...origins, [name]: from },
      };
    });
  }

  /**
   * Takes a name away.
   *
   * @throws {RequestError} "unknown-name"
   */
  async remove(name: string): Promise<void> {
    await this.#change((file) => {
      if (!Object.hasOwn(file.names, name)) {
        throw new RequestError("unknown-name", `can't remove '${name}': there is no such name`, {
          hint: "gtr name list shows the names there are",
        });
      }
      return without(file, name);
    });
  }

  async #read(): Promise<NamesFile> {
    const text = await readTextIfPresent(this.#path);
    if (text === undefined) return { version: 1, names: {} };
    try {
      return v.parse(NamesFile, JSON.parse(text));
    } catch (cause) {
      throw new StoreError("bad-names", `can't read ${this.#path}: it is not a gtr names file`, {
        hint: "mend it, or move it away and add the names again",
        cause,
      });
    }
  }

  /** Several programs may add names at once; none is lost. */
  async #change(change: (file: NamesFile) => Entries): Promise<void> {
    using _lock = await lockForChange(this.#path);
    const file = await this.#read();
    const text = JSON.stringify({ ...file, ...change(file) }, null, 2);
    await writeFileAtomic(this.#path, text + "\n");
  }
}

function entry(name: string, publisher: string, from: NamesFile["from"]): NamedPublisher {
  const origin = from && Object.hasOwn(from, name) ? { from: from[name] } : {};
  return { name, publisher, ...origin };
}

/** The names without one of them; what was imported from nowhere leaves no member behind. */
function without({ names, from = {} }: NamesFile, name: string): Entries {
  const { [name]: _publisher, ...others } = names;
  const { [name]: _from, ...origins } = from;
  return { names: others, from: Object.keys(origins).length === 0 ? undefined : origins };
}

function isNames(value: unknown): boolean {
  return isTexts(value) &&
    Object.entries(value).every(([name, publisher]) => isPetname(name) && isPublisher(publisher));
}

function isTexts(value: unknown): value is Record<string, string> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === "string");
}

/** The id or public key in `text`, in lower-case hex. */
function publisherOf(text: string): string {
  const hex = text.toLowerCase();
  if (isPublisher(hex)) return hex;
  if (text.includes("://")) {
    const form = parseAddress(text);
    if ("id" in form) return form.publicKey ?? form.id;
  }
  throw new UsageError(
    "bad-address",
    `can't name '${text.slice(0, 100)}': it is not a publisher's id`,
    { hint: "give an id (40 hex digits), a public key (64) or torrent://<id>/<repository>" },
  );
}
