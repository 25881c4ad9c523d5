/**
 * The kept inputs: `corpus/<target>/<name>`. Those called `crash-...` once found a fault.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname!, "corpus");

/** A kept input. */
export interface Kept {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** All of a target, in the order of their names. */
export async function corpusOf(target: string): Promise<Kept[]> {
  const kept: Kept[] = [];
  const folder = join(FOLDER, target);
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) kept.push({ name, bytes: await Deno.readFile(join(folder, name)) });
  }
  return kept.sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Keeps an input that found a fault, under the run's seed; its path. */
export async function keepCrasher(
  target: string,
  seed: number,
  bytes: Uint8Array,
): Promise<string> {
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 8);
  const path = join(FOLDER, target, `crash-seed${seed}-${hash}`);
  await Deno.writeFile(path, bytes);
  return path;
}
