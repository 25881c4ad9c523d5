/**
 * Whom a name at a domain stands for, `alice@example.org`: asked of the domain, remembered, and
 * never silently changed.
 *
 * @module
 */
import { NetworkError, RequestError, toGtrError } from "../common/errors.ts";
import { deadline } from "../common/wait.ts";
import { idOf } from "./publisher.ts";
import { publisherIn } from "./registry_document.ts";
import type { AskRegistry } from "./registry_fetch.ts";
import { type KnownName, RegistryFile } from "./registry_file.ts";
import { formatRegistryName, type RegistryName } from "./registry_name.ts";

/** How long a domain's word is good without asking again, in milliseconds. */
const FRESH_MS = 3_600_000;
/** How long a domain that gave no answer is not asked again, where its name is known. */
const RETRY_MS = 60_000;

/** Whom a name stands for. */
export interface NamedByDomain {
  /** Id or public key, lower-case hex. */
  readonly publisher: string;
  /** Where the domain says that they are, on networks that need that. */
  readonly relays?: readonly string[];
  /** What the person should know: it is the first use, or the domain could not be asked. */
  readonly warning?: string;
}

/** Names of one kind: gtr's own, or those of a network with keys of its own. */
export interface NameKind {
  /** What stands in front of these names in the file, where several kinds are. */
  readonly prefix: string;
  /** Reads what the domain answers; throws as {@linkcode publisherIn}. */
  readonly read: (document: Uint8Array, name: RegistryName) => ToldByDomain;
  /** The key, hex, as people write it. */
  readonly show: (publisher: string) => string;
  /** The command that accepts another key; the name follows. */
  readonly accept: string;
  /** What to use where there is no answer. */
  readonly instead: string;
}

/** What a domain says of a name. */
export type ToldByDomain = Pick<NamedByDomain, "publisher" | "relays">;

const GTR_NAMES: NameKind = {
  prefix: "",
  read: (document, name) => ({ publisher: publisherIn(document, name) }),
  show: idOf,
  accept: "gtr name import --accept-change",
  instead: "the publisher's id",
};

/** What a {@linkcode Registry} is made from. */
export interface RegistryOptions {
  /** Of `registry.json`. */
  readonly path: string;
  readonly ask: AskRegistry;
  /** Milliseconds that a domain may take to answer. */
  readonly timeoutMs: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly kind?: NameKind;
}

/** The names at domains that one user has come across. */
export class Registry {
  readonly #file: RegistryFile;
  readonly #ask: AskRegistry;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  readonly #kind: NameKind;
  /** Known names whose domain did not answer, until when that is taken for granted, and why. */
  readonly #unanswered = new Map<string, { readonly until: number; readonly why: string }>();

  constructor({ path, ask, timeoutMs, now = Date.now, kind = GTR_NAMES }: RegistryOptions) {
    this.#file = new RegistryFile(path);
    this.#ask = ask;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#kind = kind;
  }

  /**
   * Whom `name` stands for: what the domain said within the last hour, else what it says now, else
   * (with a warning) what it said before.
   *
   * @throws {RequestError} "name-changed-key", or "unknown-name" where the domain has no such name
   * @throws {NetworkError} "timed-out", "unreachable", "registry-refused", "oversized-answer"
   * @throws {VerificationError} "bad-registry"
   */
  async lookup(name: RegistryName, signal: AbortSignal): Promise<NamedByDomain> {
    const who = formatRegistryName(name);
    const known = await this.#file.get(this.#kind.prefix + who);
    if (known && this.#isFresh(known)) return told(known);
    const unanswered = this.#unanswered.get(who);
    if (known && unanswered && this.#now() < unanswered.until) {
      return this.#asBefore(name, known, unanswered.why);
    }
    this.#unanswered.delete(who);
    let said: ToldByDomain;
    try {
      said = await this.#asked(name, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!known || error instanceof RequestError) throw error;
      const why = toGtrError(error).message;
      this.#unanswered.set(who, { until: this.#now() + RETRY_MS, why });
      return this.#asBefore(name, known, why);
    }
    const recorded = await this.#record(name, said, false);
    return known ? told(recorded) : {
      ...told(recorded),
      warning: `first use of ${who}: trusting ${name.domain} that it is ` +
        this.#kind.show(recorded.publisher),
    };
  }

  /**
   * Asks the domain now, and remembers the answer.
   *
   * @param acceptChange also where it differs from what the domain said before, or from `imported`
   * @param imported what the name was imported as
   * @returns id or public key, lower-case hex
   * @throws as {@linkcode lookup}
   */
  async confirm(
    name: RegistryName,
    acceptChange: boolean,
    signal: AbortSignal,
    imported?: string,
  ): Promise<string> {
    const said = await this.#asked(name, signal);
    return (await this.#record(name, said, acceptChange, imported)).publisher;
  }

  async #asked(name: RegistryName, signal: AbortSignal): Promise<ToldByDomain> {
    using limit = deadline(this.#timeoutMs, `an answer from ${name.domain}`, signal);
    let document: Uint8Array;
    try {
      document = await this.#ask(name, limit.signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code, message } = toGtrError(error);
      throw new NetworkError(code, `can't look up ${formatRegistryName(name)}: ${message}`, {
        hint: `try again later, or use ${this.#kind.instead}`,
        cause: error,
      });
    }
    return this.#kind.read(document, name);
  }

  async #record(
    name: RegistryName,
    { publisher: said, relays }: ToldByDomain,
    acceptChange: boolean,
    imported?: string,
  ): Promise<KnownName> {
    const differs = (publisher: string) => idOf(publisher) !== idOf(said);
    const confirmed = Math.floor(this.#now() / 1000);
    return await this.#file.change(this.#kind.prefix + formatRegistryName(name), (known) => {
      if (!acceptChange) {
        if (known && differs(known.publisher)) {
          throw this.#changedKey(name, said, known.publisher, `since ${date(known.since)}`);
        }
        // What was imported is known as well: the file may be lost, or younger.
        if (imported !== undefined && differs(imported)) {
          throw this.#changedKey(name, said, imported, "when it was imported");
        }
      }
      if (!known || differs(known.publisher)) {
        return { publisher: said, relays, since: confirmed, confirmed };
      }
      // A key says more than an id, whichever came first.
      const publisher = known.publisher.length > said.length ? known.publisher : said;
      return { ...known, publisher, relays, confirmed };
    });
  }

  /**
   * The error for a name that stands for another publisher than before.
   *
   * @param since when it stood for the old one
   */
  #changedKey(name: RegistryName, now: string, before: string, since: string): RequestError {
    const who = formatRegistryName(name);
    const { show, accept } = this.#kind;
    return new RequestError(
      "name-changed-key",
      `can't use ${who}: ${name.domain} says that it is ${show(now)} now, and it was ` +
        `${show(before)} ${since}`,
      {
        hint: "someone may be posing as them; ask them by another way, and if it is right: " +
          `${accept} ${who}`,
      },
    );
  }

  #asBefore(name: RegistryName, known: KnownName, why: string): NamedByDomain {
    return {
      ...told(known),
      warning: `${why}; using what ${name.domain} said on ${date(known.confirmed)}, ` +
        this.#kind.show(known.publisher),
    };
  }

  /** A confirmation from the future is none: the clock was wrong. */
  #isFresh({ confirmed }: KnownName): boolean {
    const age = this.#now() - confirmed * 1000;
    return age >= -1000 && age < FRESH_MS;
  }
}

function told({ publisher, relays }: KnownName): NamedByDomain {
  return relays ? { publisher, relays } : { publisher };
}

/** "2026-11-22" */
function date(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
