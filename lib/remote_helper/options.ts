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
  /** Annotated tags of what is fetched are wanted too. */
  followTags = false;
  /** What is left out will be fetched when it is needed. */
  #promisor = false;
  #depth: number | undefined;
  #relative = false;
  #since: string | undefined;
  readonly #not: string[] = [];
  #filter: string | undefined;

  /** Whether git asks for less than all history or all objects. */
  get narrows(): boolean {
    const { depth, since, not, filter, promisor } = this.part;
    return depth !== undefined || since !== undefined || filter !== undefined || promisor ||
      not.length > 0;
  }

  /** Whether more history is fetched for a shallow clone that exists. */
  get deepens(): boolean {
    const { depth, since, not } = this.part;
    return !this.cloning && (depth !== undefined || since !== undefined || not.length > 0);
  }

  /** Which part it asks for. */
  get part() {
    return {
      depth: this.#depth,
      relative: this.#relative && this.#depth !== undefined,
      since: this.#since,
      not: this.#not,
      filter: this.#filter,
      promisor: this.#promisor,
    };
  }

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
        return this.#flag(value, (on) => this.followTags = on);
      case "object-format":
        this.objectFormat = value !== "false";
        return /^(true|false|sha1|sha256)$/.test(value) ? "ok" : bad(name, value);
      case "depth":
        // git takes a depth back by 0, before it fetches the tags of what came
        return this.#number(value, (n) => this.#depth = n || undefined);
      case "deepen-relative":
        return this.#flag(value, (on) => this.#relative = on);
      case "deepen-since":
        this.#since = value;
        return "ok";
      case "deepen-not":
        this.#not.push(value);
        return "ok";
      case "filter":
        // "auto": what the other side recommends, and nobody here recommends anything
        this.#filter = value === "auto" ? undefined : value;
        return "ok";
      case "from-promisor": // git sends 1, and no flag's words
        this.#promisor = true;
        return "ok";
      case "force-if-includes": // git itself looks into its reflogs before it pushes
        return this.#flag(value, () => {});
      case "pushcert": // nobody asks for one
        return value === "true" ? "unsupported" : "ok";
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

  #number(value: string, set: (n: number) => void): OptionAnswer {
    if (!/^\d{1,10}$/.test(value)) return "error it must be a whole number from 0";
    set(Number(value));
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
  return `error '${value}' is not a value for ${name}`;
}
