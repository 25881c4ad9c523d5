/** libtorrent, by its Python binding. */
import { join } from "node:path";
import { checkWith, Program } from "./swarm_fixture.ts";

/** Debian's own Python: Debian's python3-libtorrent is for no other. */
const PYTHON = "/usr/bin/python3";

/** Registers a check that needs libtorrent. */
export function checkLibtorrent(name: string, check: () => Promise<void>): void {
  checkWith("python3-libtorrent", [PYTHON, "-c", "import libtorrent"], name, check);
}

/** Runs one of the scripts beside this file. */
export function libtorrent(script: string, ...args: string[]): Program {
  return new Program(PYTHON, [join(import.meta.dirname!, script), ...args]);
}

/** Runs one of the scripts beside this file in a network namespace. */
export function libtorrentIn(namespace: string, script: string, ...args: string[]): Program {
  const command = [PYTHON, join(import.meta.dirname!, script), ...args];
  return new Program("ip", ["netns", "exec", namespace, ...command]);
}

/** A node of the private DHT of `bootstrap` that runs one command of libtorrent_dht.py. */
export function libtorrentNode(bootstrap: string, command: string, ...args: string[]): Program {
  return libtorrent("libtorrent_dht.py", bootstrap, command, ...args);
}

/** What a command of {@linkcode libtorrentNode} prints once it has done its work. */
export async function answer(
  program: Program,
  pattern: RegExp = /^\{/,
): Promise<Record<string, unknown>> {
  return JSON.parse(await program.line(pattern));
}
