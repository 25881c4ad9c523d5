/**
 * A made-up history of about 20,000 objects and 30 MB, the same on every machine, and more commits
 * on top of any history.
 *
 * @module
 */
import { type Environment, run } from "../local/run.ts";
import { Random } from "../local/random.ts";
import { SourceFiles } from "./source_files.ts";

const COMMITS = 3800;
const FIRST_FILES = 300;
const NEW_FILE_EVERY = 5;
const ASSET_EVERY = 28;
const LINES = 360;
const EPOCH = 1_600_000_000;

/** Writes one `git fast-import` stream to a git process. */
class FastImport implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #encoder = new TextEncoder();

  constructor(gitDir: string, env: Environment) {
    this.#child = new Deno.Command("git", {
      args: ["-C", gitDir, "fast-import", "--quiet"],
      env: { ...env },
      clearEnv: true,
      stdin: "piped",
      stdout: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
  }

  /** One commit on main, with whole new contents of files. */
  async commit(
    number: number,
    message: string,
    files: readonly (readonly [path: string, content: string | Uint8Array])[],
    from?: string,
  ): Promise<void> {
    const when = `${EPOCH + number * 3600} +0000`;
    await this.#text(
      `commit refs/heads/main\ncommitter Bench <bench@example.org> ${when}\n` +
        `data ${message.length}\n${message}\n${from ? `from ${from}\n` : ""}`,
    );
    for (const [path, content] of files) {
      const bytes = typeof content === "string" ? this.#encoder.encode(content) : content;
      await this.#text(`M 100644 inline ${path}\ndata ${bytes.length}\n`);
      await this.#writer.write(bytes);
      await this.#text("\n");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    const { success } = await this.#child.status;
    if (!success) throw new Error("git fast-import failed");
  }

  #text(text: string): Promise<void> {
    return this.#writer.write(this.#encoder.encode(text));
  }
}

/** A bare repository with the made-up history on main, packed as well as git does by itself. */
export async function makeHistory(gitDir: string, env: Environment): Promise<void> {
  await run(["git", "init", "--quiet", "--bare", "--initial-branch=main", gitDir], { env });
  const random = new Random(20_000);
  const files = new SourceFiles(random);
  {
    await using stream = new FastImport(gitDir, env);
    const first = Array.from({ length: FIRST_FILES }, () => files.add(LINES));
    await stream.commit(0, "Begin", first);
    for (let i = 1; i < COMMITS; i++) {
      const changes: [string, string | Uint8Array][] = [files.edit()];
      if (random.next() < 0.3) changes.push(files.edit());
      if (i % NEW_FILE_EVERY === 0) changes.push(files.add(LINES));
      if (i % ASSET_EVERY === 0) {
        changes.push([`assets/${i}.bin`, files.asset(60_000 + random.below(220_000))]);
      }
      await stream.commit(i, files.message(), [...new Map(changes)]);
    }
  }
  await run(["git", "-C", gitDir, "repack", "-a", "-d", "-f", "-q"], { env });
}

/** Adds commits to main, each a small change to an existing text file or two; the new tip. */
export async function addCommits(
  repository: string,
  count: number,
  seed: number,
  env: Environment,
): Promise<string> {
  const git = async (...args: string[]) =>
    (await run(["git", "-C", repository, ...args], { env })).stdout;
  const random = new Random(seed);
  const listed = (await git("ls-tree", "-r", "-l", "main")).trim().split("\n");
  const texts = listed.flatMap((line) => {
    const [, size, path] = /^100644 blob \S+ +(\d+)\t([\w./-]+\.(?:ts|js|go|rs|c|h|py|md|txt))$/
      .exec(line) ?? [];
    return path && Number(size) > 200 && Number(size) < 100_000 ? [path] : [];
  });
  if (texts.length === 0) throw new Error("the repository has no text files to change");
  const contents = new Map<string, string>();
  const before = (await git("rev-parse", "main")).trim();
  const folder = (await git("rev-parse", "--absolute-git-dir")).trim();
  {
    await using stream = new FastImport(folder, env);
    for (let i = 0; i < count; i++) {
      const changes: [string, string][] = [];
      for (let j = 1 + random.below(2); j > 0; j--) {
        const path = random.favourite(texts);
        const lines = (contents.get(path) ?? await git("show", `main:${path}`)).split("\n");
        lines.splice(random.below(lines.length), 1, `const bench${seed} = ${random.below(1e6)};`);
        contents.set(path, lines.join("\n"));
        changes.push([path, contents.get(path)!]);
      }
      const number = COMMITS + seed * 100 + i;
      await stream.commit(number, `Change ${seed}.${i}`, [...new Map(changes)], i ? "" : before);
    }
  }
  return (await git("rev-parse", "main")).trim();
}

/** Objects and bytes of all packs of a repository. */
export async function sizeOf(
  gitDir: string,
  env: Environment,
): Promise<{ objects: number; bytes: number }> {
  const { stdout } = await run(["git", "-C", gitDir, "count-objects", "-v"], { env });
  const figure = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(stdout)?.[1]);
  return { objects: figure("in-pack") + figure("count"), bytes: figure("size-pack") * 1024 };
}
