/**
 * What demos say and do: nodes that commit, and that wait for each other's commits.
 *
 * @module
 */
import { join } from "node:path";
import type { LocalNode } from "./node.ts";
import type { Output } from "./run.ts";
import { Sandbox } from "./sandbox.ts";

/** Prints one line. */
export const say = (text: string): void => console.log(text);

/** Begins a scene. */
export const title = (text: string): void => say(`\n${text}`);

/** Shows a command as a person would type it, and how long it took. */
export function show(
  who: LocalNode,
  command: string,
  { ms }: Pick<Output, "ms">,
  result?: string,
): void {
  say(`  ${who.name.toLowerCase()}$ ${command}`.padEnd(76) + `  ${(ms / 1000).toFixed(2)} s`);
  for (const line of result?.trim().split("\n") ?? []) say(`    ${line}`);
}

/** Commits a file in the repository `where`, relative to the node's folder. */
export async function commit(
  who: LocalNode,
  where: string,
  file: string,
  text: string,
): Promise<Output> {
  await Deno.writeTextFile(join(who.folder, where, file), text);
  await who.git(where, "add", file);
  return await who.git(where, "commit", "--quiet", "-m", `Write ${file}`);
}

/** A small made-up history in a new repository. */
export async function makeHistory(who: LocalNode, where: string): Promise<void> {
  await who.git(".", "init", "--quiet", where);
  for (let i = 1; i <= 20; i++) {
    await commit(who, where, `chapter-${i}.txt`, `Line of chapter ${i}.\n`.repeat(200));
  }
}

/** The object id of `ref` in a repository of the node's. */
export async function headOf(who: LocalNode, where: string, ref = "HEAD"): Promise<string> {
  return (await who.git(where, "rev-parse", ref)).stdout.trim();
}

/**
 * Asks with plain git until `who` sees `oid` as `ref`; milliseconds since `since`.
 *
 * @throws {Error} after 20 seconds
 */
export async function seen(
  who: LocalNode,
  url: string,
  ref: string,
  oid: string,
  since: number,
): Promise<number> {
  const end = since + 20_000;
  while (performance.now() < end) {
    const { stdout } = await who.git(".", "ls-remote", url, ref);
    if (stdout.startsWith(oid)) return performance.now() - since;
  }
  throw new Error(`${who.name} did not see the new ${ref} within 20 s`);
}

/** Ends the demo where two object ids differ. */
export function same(what: string, a: string, b: string): void {
  if (a !== b) throw new Error(`${what}: ${a} is not ${b}`);
}

/** Plays a demo in a folder of its own, says how long it took, and ends the process. */
export async function play(demo: (sandbox: Sandbox) => Promise<void>): Promise<never> {
  const started = performance.now();
  try {
    await Sandbox.with("gtr-demo-", demo);
    title(`All of it took ${((performance.now() - started) / 1000).toFixed(1)} s.`);
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`);
    Deno.exit(1);
  }
  Deno.exit(0);
}
