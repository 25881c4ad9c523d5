/**
 * A folder in which git runs with nothing of this user's settings, and in which `torrent://`
 * addresses lead to the publications of the same folder.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { Publication } from "./publication.ts";

/** Longest a git command may take here, in milliseconds. */
const DEADLINE_MS = 60_000;

/** What a git command printed, and its exit code. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Disposing it removes the folder. */
export class Sandbox implements AsyncDisposable {
  private constructor(readonly root: string) {}

  static async open(): Promise<Sandbox> {
    const sandbox = new Sandbox(await Deno.realPath(await Deno.makeTempDir({ prefix: "gtr-" })));
    const program = join(import.meta.dirname!, "helper_program.ts");
    await Deno.mkdir(sandbox.path("bin"));
    await Deno.writeTextFile(
      sandbox.path("bin", "git-remote-torrent"),
      `#!/bin/sh\nexec '${Deno.execPath()}' run -A --no-check '${program}' "$@"\n`,
      { mode: 0o755 },
    );
    await Deno.writeTextFile(
      sandbox.path("gitconfig"),
      "[user]\n\tname = Ada\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n" +
        "[advice]\n\tdetachedHead = false\n",
    );
    return sandbox;
  }

  path(...parts: string[]): string {
    return resolve(this.root, ...parts);
  }

  /** Runs git in `folder`; the exit code is the caller's to judge. */
  async run(folder: string, ...args: string[]): Promise<Ran> {
    const env: Record<string, string> = {};
    for (const [name, value] of Object.entries(Deno.env.toObject())) {
      if (!name.startsWith("GIT_")) env[name] = value;
    }
    const { code, stdout, stderr } = await new Deno.Command("git", {
      args,
      cwd: this.path(folder),
      clearEnv: true,
      env: {
        ...env,
        PATH: `${this.path("bin")}:${env.PATH}`,
        HELPER_TEST_ROOT: this.root,
        GIT_CONFIG_GLOBAL: this.path("gitconfig"),
        GIT_CONFIG_NOSYSTEM: "1",
        LC_ALL: "C",
      },
      stdin: "null",
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** The same where git must succeed; what it printed on stdout, trimmed. */
  async git(folder: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(folder, ...args);
    assert.equal(code, 0, `git ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  }

  /** A working repository with one commit, published under the same name. */
  async published(name: string, objectFormat: "sha1" | "sha256" = "sha1"): Promise<Publication> {
    await this.git(".", "init", "-q", `--object-format=${objectFormat}`, `${name}-work`);
    const publication = await Publication.create(this.root, name, objectFormat);
    await this.commit(`${name}-work`, "one.txt");
    await this.publish(publication);
    return publication;
  }

  /** Adds a file named after the commit; returns the commit. */
  async commit(folder: string, file: string): Promise<string> {
    await Deno.writeTextFile(this.path(folder, file), `${file}\n`.repeat(50));
    await this.git(folder, "add", file);
    await this.git(folder, "commit", "-q", "-m", `Add ${file}`);
    return await this.git(folder, "rev-parse", "HEAD");
  }

  /** Publishes all branches and tags of the publication's working repository. */
  async publish(publication: Publication): Promise<void> {
    const folder = `${publication.name}-work`;
    const listed = await this.git(
      folder,
      ...["for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags"],
    );
    const refs = Object.fromEntries(listed.split("\n").map((line) => line.split(" ")));
    const head = await this.git(folder, "symbolic-ref", "HEAD");
    await publication.publish(refs, [this.path(folder, ".git", "objects")], head);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }
}
