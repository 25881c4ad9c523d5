/**
 * What is built: one executable for each file in `cmd/`, and what they may do.
 *
 * @module
 */
import { join } from "node:path";
import { BuildError } from "./error.ts";
import { networkOf } from "./networks.ts";

/** One executable. */
export interface Program {
  readonly name: string;
  /** Its source, relative to the project's root. */
  readonly entry: string;
  /** Other names it is installed under. */
  readonly aliases: readonly string[];
  /** The programs that it may run. */
  readonly runs: readonly string[];
  /** Options of Deno that it needs beside its permissions. */
  readonly flags: readonly string[];
}

/** `coreutils` on some systems installs a `gtr` of its own (GNU tr): `gti` is the way round it. */
const ALIASES: Readonly<Record<string, readonly string[]>> = { gtr: ["gti"] };

/** git starts gtd too, since where gtd will lie is not known here. */
const RUNS: Readonly<Record<string, readonly string[]>> = { gtr: ["git", "systemctl"] };

/** The daemon tells the service manager that it is ready through a datagram socket with a path. */
const FLAGS: Readonly<Record<string, readonly string[]>> = { gtd: ["--unstable-net"] };

/** What a network needs beyond the rest, and the programs in which it runs. */
const NETWORK_FLAGS: Readonly<Record<string, readonly string[]>> = {
  // libsodium as native code, and the faster UDP sockets of lib/udx; slower without.
  holepunch: ["--allow-ffi"],
};

/**
 * The programs that the tree has, in the order of their names.
 *
 * @param networks those to build; undefined: all
 * @throws {BuildError} where one of them has no helper
 */
export async function programs(root: string, networks?: readonly string[]): Promise<Program[]> {
  const found: Program[] = [];
  for await (const file of Deno.readDir(join(root, "cmd"))) {
    const name = file.name.replace(/\.ts$/, "");
    if (!file.isFile || name === file.name) continue;
    found.push({
      name,
      entry: `cmd/${file.name}`,
      aliases: ALIASES[name] ?? [],
      runs: RUNS[name] ?? ["git"],
      flags: [...FLAGS[name] ?? [], ...networkFlags(name, networks)],
    });
  }
  const of = found.map(({ name }) => networkOf(name));
  const helperless = networks?.find((network) => !of.includes(network));
  if (helperless !== undefined) {
    throw new BuildError(`can't build ${helperless}: there is no cmd/git-remote-${helperless}.ts`);
  }
  return found
    .filter((_, i) => of[i] === undefined || (networks?.includes(of[i]) ?? true))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}

/** The daemon needs what its networks do, and a network's helper the same where it runs without. */
function networkFlags(name: string, networks: readonly string[] | undefined): string[] {
  return Object.entries(NETWORK_FLAGS)
    .filter(([network]) => name === "gtd" || networkOf(name) === network)
    .filter(([network]) => networks?.includes(network) ?? true)
    .flatMap(([, flags]) => flags);
}

/**
 * What every program may do, as options of Deno, beside running others.
 *
 * Reading and writing can't be narrowed: repositories are wherever the user has them. Nor can the
 * network: peers are anywhere. The whole environment is read to pass it on to git without GIT_*.
 */
export const PERMISSIONS: readonly string[] = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys=networkInterfaces,statfs,uid",
];
