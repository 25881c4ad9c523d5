/**
 * What annotated tags are tags of.
 *
 * @module
 */
import { runGit } from "./run.ts";

/**
 * Follows tag objects to what they lead to in the end.
 *
 * @param oids of tags, annotated or not
 * @returns annotated tags only: tag object -> commit (or tree, or blob)
 */
export async function peelTags(
  gitDir: string,
  oids: readonly string[],
  options: { readonly alternates?: readonly string[]; readonly signal?: AbortSignal } = {},
): Promise<Map<string, string>> {
  const peeled = new Map<string, string>();
  if (oids.length === 0) return peeled;
  const { stdout } = await runGit(["cat-file", "--batch-check=%(objectname)", "--buffer"], {
    gitDir,
    ...options,
    input: oids.map((oid) => `${oid}^{}\n`).join(""),
  });
  stdout.split("\n").forEach((line, i) => {
    const oid = oids[i];
    if (oid !== undefined && line !== oid && /^[0-9a-f]+$/.test(line)) peeled.set(oid, line);
  });
  return peeled;
}
