/**
 * Which tests run in one process, and which of those processes tolerate no other beside them.
 *
 * @module
 */
import { join } from "node:path";

/** Test files that run in one process. */
export interface Batch {
  /** What is run, for a person. */
  readonly name: string;
  /** Relative to the project's folder. */
  readonly files: readonly string[];
  /** Nothing else may run meanwhile. */
  readonly alone: boolean;
}

/** Those that measure time, or take all there is of processors, disks or network interfaces. */
export const ALONE = [
  "tests/e2e/follow_test.ts", // twenty followers take all processors
  "tests/e2e/crash_test.ts", // kills at moments that a loaded machine would move
  "tests/e2e/who_test.ts", // peers answer within a wait that is set
  "tests/e2e/many_networks_test.ts", // networks that race at rates that are set
  "tests/interop/udx_native_test.ts", // throughput
  "tests/unit/udx/fairness_test.ts", // how much gets through beside something else
];

/** Many small files share a process in this group; elsewhere each has its own. */
const BY_FOLDER = "unit";

/**
 * The batches of these groups, in their order: a group of short ones last fills all lanes to the end.
 *
 * @param root the project's folder
 */
export async function batches(root: string, groups: readonly string[]): Promise<Batch[]> {
  const all: Batch[] = [];
  for (const group of groups) {
    for (const [folder, files] of await testFiles(root, `tests/${group}`)) {
      const own = group === BY_FOLDER ? files.filter((f) => ALONE.includes(f)) : files;
      const shared = files.filter((f) => !own.includes(f));
      if (shared.length > 0) all.push({ name: folder, files: shared, alone: false });
      for (const f of own) all.push({ name: f, files: [f], alone: ALONE.includes(f) });
    }
  }
  return all;
}

/** Folder -> its own test files, sorted; without folders that hold none. */
async function testFiles(root: string, folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const entries = await Array.fromAsync(Deno.readDir(join(root, folder))).catch(() => []);
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const files = entries.filter((e) => e.isFile && e.name.endsWith("_test.ts"));
  if (files.length > 0) found.set(folder, files.map(({ name }) => `${folder}/${name}`));
  for (const { name, isDirectory } of entries) {
    if (!isDirectory) continue;
    for (const entry of await testFiles(root, `${folder}/${name}`)) found.set(...entry);
  }
  return found;
}
