/**
 * What a person chooses about a build, as `make NAME=value` passes it on.
 *
 * @module
 */
import { BuildError } from "./error.ts";

/** `binaries`: one file each, made by `deno compile`. `bundles`: scripts that start Deno. */
export type Kind = "binaries" | "bundles";

/** Choices; what is undefined, the build chooses. */
export interface BuildOptions {
  /** The networks to build in, by name; undefined: all that the tree has. */
  readonly networks?: readonly string[];
  /** undefined: binaries where the base for them is at hand, else bundles. */
  readonly kind?: Kind;
  /** The base for binaries, `denort` of the pinned version; undefined: Deno's own. */
  readonly denort?: string;
  /** Binaries are one file under many names. */
  readonly multicall?: boolean;
}

/**
 * Reads `TRANSPORTS`, `KIND`, `DENORT_BIN` and `MULTICALL`.
 *
 * @throws {BuildError}
 */
export function optionsFrom(env: (name: string) => string | undefined): BuildOptions {
  const kind = env("KIND") || undefined;
  if (kind !== undefined && kind !== "binaries" && kind !== "bundles") {
    throw new BuildError(`can't build KIND=${kind}: there are binaries and bundles`);
  }
  const text = env("TRANSPORTS") || undefined;
  const networks = text?.split(/[,\s]+/).filter(Boolean);
  if (networks?.length === 0) {
    throw new BuildError(`can't build TRANSPORTS=${text}: it names no network`);
  }
  const multicall = env("MULTICALL") || "0";
  if (multicall !== "0" && multicall !== "1") {
    throw new BuildError(`can't build MULTICALL=${multicall}: it is 0 or 1`);
  }
  if (multicall === "1" && kind === "bundles") {
    throw new BuildError("can't build MULTICALL=1: bundles share their files already");
  }
  const one = multicall === "1";
  const denort = env("DENORT_BIN") || undefined;
  return { networks, kind: one ? "binaries" : kind, denort, multicall: one };
}
