/**
 * What is built: one executable for each file in `cmd/`, and what each may do.
 *
 * @module
 */
import { join } from "node:path";

/** One executable. */
export interface Program {
  readonly name: string;
  /** Its source, relative to the project's root. */
  readonly entry: string;
  /** Other names it is installed under. */
  readonly aliases: readonly string[];
  /** Programs it may run: names on PATH, or of `dist/bin` where it is one of ours. */
  readonly runs: readonly string[];
  /** Options of Deno that it needs beside its permissions. */
  readonly flags: readonly string[];
}

/** `coreutils` on some systems installs a `gtr` of its own (GNU tr): `gti` is the way round it. */
const ALIASES: Readonly<Record<string, readonly string[]>> = { gtr: ["gti"] };

/**
 * The daemon runs git and nothing else; everything else may also start the daemon, and gtr may have
 * the service manager do it.
 */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  gtd: ["git"],
  gtr: ["git", "gtd", "systemctl"],
};

/** The daemon tells the service manager that it is ready through a datagram socket with a path. */
const FLAGS: Readonly<Record<string, readonly string[]>> = { gtd: ["--unstable-net"] };

/** The programs that the tree has, in the order of their names. */
export async function programs(root: string): Promise<Program[]> {
  const found: Program[] = [];
  for await (const file of Deno.readDir(join(root, "cmd"))) {
    const name = file.name.replace(/\.ts$/, "");
    if (!file.isFile || name === file.name) continue;
    found.push({
      name,
      entry: `cmd/${file.name}`,
      aliases: ALIASES[name] ?? [],
      runs: RUNS[name] ?? ["git", "gtd"],
      flags: FLAGS[name] ?? [],
    });
  }
  return found.sort((a, b) => a.name < b.name ? -1 : 1);
}
