/**
 * The `option` command of git's remote-helper protocol (gitremote-helpers(7), OPTIONS).
 *
 * @module
 */
import { unquoteCStyle } from "./c_style_quote.ts";

/** The answer to one `option` line. */
export type OptionAnswer = "ok" | "unsupported" | `error ${string}`;

/** What git has asked for so far. */
export class HelperOptions {
  /** 0 is quiet, 1 the default; more with each `-v`. */
  verbosity = 1;
  progress = false;
  /** The repository being filled is new. */
  cloning = false;
  /** git wants to hear whether what it got is whole. */
  checkConnectivity = false;
  /** git understands `:object-format` in the answer to `list`. */
  objectFormat = false;
  /** Whatever the repository seems to hold is to be fetched again. */
  refetch = false;
  force = false;
  dryRun = false;
  atomic = false;
  /** `--force-with-lease`: ref -> the object id it must still have, null for "must not exist". */
  readonly leases = new Map<string, string | null>();
  /** The depth and filter options in force: with any of them whole packs are too much. */
  readonly narrowing = new Map<string, string>();

  /** Sets one option from the text behind the word `option`. */
  set(text: string): OptionAnswer {
    const space = text.indexOf(" ");
    const name = space < 0 ? text : text.slice(0, space);
    // git 2.39 sends "option object-format" without a value and means true.
    const value = space < 0 ? "true" : unquoteCStyle(text.slice(space + 1));
    switch (name) {
      case "verbosity":
        return this.#number(value, (n) => this.verbosity = n);
      case "progress":
        return this.#flag(value, (on) => this.progress = on);
      case "cloning":
        return this.#flag(value, (on) => this.cloning = on);
      case "check-connectivity":
        return this.#flag(value, (on) => this.checkConnectivity = on);
      case "refetch":
        return this.#flag(value, (on) => this.refetch = on);
      case "force":
        return this.#flag(value, (on) => this.force = on);
      case "dry-run":
        return this.#flag(value, (on) => this.dryRun = on);
      case "atomic":
        return this.#flag(value, (on) => this.atomic = on);
      case "followtags":
        return this.#flag(value, () => {}); // packs hold the tags of what they hold
      case "object-format":
        this.objectFormat = value !== "false";
        return /^(true|false|sha1|sha256)$/.test(value) ? "ok" : bad(name, value);
      case "depth":
        return this.#number(value, () => this.narrowing.set(name, value), 1);
      case "deepen-since":
      case "deepen-not":
      case "filter":
        this.narrowing.set(name, value);
        return "ok";
      case "deepen-relative":
        return this.#flag(value, (on) => on && this.narrowing.set(name, value));
      case "cas":
        return this.#lease(value);
      default:
        return "unsupported";
    }
  }

  #flag(value: string, set: (on: boolean) => void): OptionAnswer {
    if (value !== "true" && value !== "false") return "error it must be true or false";
    set(value === "true");
    return "ok";
  }

  #number(value: string, set: (n: number) => void, min = 0): OptionAnswer {
    const n = /^\d{1,10}$/.test(value) ? Number(value) : -1;
    if (n < min) return `error it must be a whole number from ${min}`;
    set(n);
    return "ok";
  }

  /** `<ref>:<oid>`; zeros stand for a ref that must not exist. */
  #lease(value: string): OptionAnswer {
    const [, ref, oid] = /^(.+):([0-9a-f]{40}|[0-9a-f]{64})$/.exec(value) ?? [];
    if (ref === undefined || oid === undefined) return bad("cas", value);
    this.leases.set(ref, /^0+$/.test(oid) ? null : oid);
    return "ok";
  }
}

function bad(name: string, value: string): OptionAnswer {
  return `error '${value}' is no value for ${name}`;
}
