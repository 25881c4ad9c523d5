/** Random histories of real objects, made by one run of git fast-import. */
import { join } from "node:path";
import { git, gitDirOf, initRepository } from "../git_interface/fixture.ts";

/** What one commit is made of. */
export interface CommitPlan {
  /** Index of an earlier commit; taken modulo how many there are. */
  readonly parent: number;
  /** Another, for a merge; or undefined. */
  readonly merged?: number;
  /** Bytes of the file that it changes. */
  readonly size: number;
  readonly file: number;
}

/** A repository full of commits that no ref leads to. */
export interface History {
  readonly gitDir: string;
  readonly objects: string;
  /** Oldest first. */
  readonly commits: readonly string[];
  /** Annotated tags, one for each commit. */
  readonly tags: readonly string[];
}

/** Makes the commits, and an annotated tag of each. */
export async function makeHistory(path: string, plans: readonly CommitPlan[]): Promise<History> {
  await initRepository(path);
  const lines: string[] = [];
  const by = "A <a@example.org> 1700000000 +0000";
  plans.forEach(({ parent, merged, size, file }, i) => {
    const content = noise(i, size);
    lines.push(`commit refs/heads/tmp-${i}`, `mark :${i + 1}`, `committer ${by}`);
    lines.push(`data ${`commit ${i}`.length}`, `commit ${i}`);
    if (i > 0) lines.push(`from :${(parent % i) + 1}`);
    if (i > 0 && merged !== undefined && merged % i !== parent % i) {
      lines.push(`merge :${(merged % i) + 1}`);
    }
    lines.push(
      `M 100644 inline folder-${file % 3}/file-${file}`,
      `data ${content.length}`,
      content,
    );
    lines.push(`tag tmp-${i}`, `mark :${1001 + i}`, `from :${i + 1}`, `tagger ${by}`);
    lines.push(`data 3`, `tag`);
  });
  const marks = join(path, "marks");
  const input = lines.join("\n") + "\ndone\n";
  await git(path, ["fast-import", "--quiet", "--done", `--export-marks=${marks}`], input);
  const oids = new Map(
    (await Deno.readTextFile(marks)).trim().split("\n").map((line) => {
      const [mark, oid] = line.slice(1).split(" ");
      return [Number(mark), oid!];
    }),
  );
  return {
    gitDir: gitDirOf(path),
    objects: join(gitDirOf(path), "objects"),
    commits: plans.map((_, i) => oids.get(i + 1)!),
    tags: plans.map((_, i) => oids.get(1001 + i)!),
  };
}

/** Text that is the same in every run and doesn't compress well. */
function noise(seed: number, size: number): string {
  let state = seed + 1;
  let text = "";
  while (text.length < size) {
    state = (state * 1103515245 + 12345) % 2147483648;
    text += state.toString(36);
  }
  return text.slice(0, size);
}
