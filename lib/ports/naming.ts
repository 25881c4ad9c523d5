/**
 * Addresses in a form that only the network itself knows.
 *
 * @module
 */
import type { Wait } from "../common/wait.ts";
import type { RepoAddress } from "../identity/address.ts";
import type { Manifest } from "../manifest/types.ts";

/** A repository that is published without gtr, in the network's own way: it has no manifest. */
export interface ForeignState {
  /** The owner's key on that network, 64 hex digits. */
  readonly publisher: string;
  /** In the network's own form, for a person. */
  readonly address: string;
  /** As the network calls it: not necessarily a name that gtr would give. */
  readonly name: string;
  readonly objectFormat: Manifest["objectFormat"];
  readonly head: string;
  readonly refs: Readonly<Record<string, string>>;
  readonly peeled?: Readonly<Record<string, string>>;
  /** Seconds since 1970 at which it was signed. */
  readonly changed: number;
  /** Where git can fetch the objects: https, http and git URLs, the best first. */
  readonly servers: readonly string[];
}

/** What an address that only the network itself can read leads to. */
export type Located =
  & ({ readonly address: RepoAddress } | { readonly foreign: ForeignState })
  & {
    /** What the person should know about the name in it. */
    readonly warning?: string;
  };

/** How an address is read. */
export interface LocateWait extends Wait {
  /** The file of what domains said of their names, `identity/registry_file.ts`. */
  readonly registry: string;
}

/** A network that names publishers in its own way. */
export interface Locator {
  /**
   * What an address leads to whose publisher is neither an id nor a key of gtr's.
   *
   * @param url the whole address
   * @throws {UsageError} "bad-address"
   * @throws {RequestError} "name-changed-key", "unknown-name"
   * @throws {NetworkError} "unreachable", "nobody-answered"
   */
  locate(url: string, wait: LocateWait): Promise<Located>;
}

/** A network on which one's own repositories have addresses of another form than others'. */
export interface Naming {
  /** That of one's own repository `name`; undefined if others can't find it there. */
  own(name: string): string | undefined;
}
