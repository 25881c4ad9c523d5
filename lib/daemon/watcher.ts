/**
 * Noticing that the refs of shared repositories have changed, however that was done: by git in any
 * worktree, as loose refs, packed refs or a reftable, or by a change of what is shared.
 *
 * @module
 */
import { join, relative, sep } from "node:path";

/** git writes several files for one change; they are seen as one when they come this close. */
const DEBOUNCE_MS = 50;
/** Some file systems tell nothing of changes made elsewhere; all is looked at this often anyway. */
const POLL_MS = 60_000;

/** Watches any number of repositories, by their common git directory. */
export class RefWatcher implements Disposable {
  readonly #changed: (gitDir: string) => void;
  readonly #log: (message: string) => void;
  readonly #watched = new Map<string, Watch>();

  /** @param changed called after each burst of changes; must not throw */
  constructor(changed: (gitDir: string) => void, log: (message: string) => void) {
    this.#changed = changed;
    this.#log = log;
  }

  /** Starts watching `gitDir`; one that is watched already stays so, also if it was made anew. */
  add(gitDir: string): void {
    const known = this.#watched.get(gitDir);
    if (known) known.refresh();
    else this.#watched.set(gitDir, new Watch(gitDir, () => this.#changed(gitDir), this.#log));
  }

  /** Stops watching what is not in `gitDirs`, starts with what is. */
  set(gitDirs: readonly string[]): void {
    for (const [gitDir, watch] of this.#watched) {
      if (gitDirs.includes(gitDir)) continue;
      watch[Symbol.dispose]();
      this.#watched.delete(gitDir);
    }
    for (const gitDir of gitDirs) this.add(gitDir);
  }

  [Symbol.dispose](): void {
    this.set([]);
  }
}

/** The folders of a git directory that hold refs or our settings. */
const FOLDERS = ["refs", "reftable", "gtr"];

class Watch implements Disposable {
  readonly #gitDir: string;
  readonly #changed: () => void;
  readonly #log: (message: string) => void;
  readonly #poll: ReturnType<typeof setInterval>;
  #watchers: Deno.FsWatcher[] = [];
  #followed: Promise<void>[] = [];
  #reopened = Promise.resolve();
  #debounce?: ReturnType<typeof setTimeout>;
  #identity = "";
  #disposed = false;

  constructor(gitDir: string, changed: () => void, log: (message: string) => void) {
    this.#gitDir = gitDir;
    this.#changed = changed;
    this.#log = log;
    this.#open();
    this.#poll = setInterval(() => {
      this.refresh();
      changed();
    }, POLL_MS);
  }

  /** Watches the folder that is there now, where it is not the one that was there before. */
  refresh(): void {
    if (identityOf(this.#gitDir) !== this.#identity) this.#reopen();
  }

  /**
   * The git directory itself holds packed-refs; below it only what holds refs or our settings is
   * watched, so that a busy index or object store wakes nobody.
   */
  #open(): void {
    this.#identity = identityOf(this.#gitDir);
    this.#watch(this.#gitDir, false);
    for (const name of FOLDERS) this.#watch(join(this.#gitDir, name), true);
  }

  #watch(path: string, recursive: boolean): void {
    try {
      const watcher = Deno.watchFs(path, { recursive });
      this.#watchers.push(watcher);
      this.#followed.push(this.#follow(watcher).catch((error) => this.#cannot(path, error)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) this.#cannot(path, error);
    }
  }

  #cannot(path: string, error: unknown): void {
    this.#log(`can't watch ${path}: ${(error as Error).message}; looking every minute instead`);
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const { kind, paths } of watcher) {
      const inside = paths.map((path) => relative(this.#gitDir, path));
      if (kind === "access" || !inside.some(matters)) continue;
      this.#notice();
      // A folder that comes, goes or is replaced has to be watched anew.
      if (kind !== "modify" && inside.some((path) => FOLDERS.includes(path))) this.#reopen();
    }
  }

  #notice(): void {
    clearTimeout(this.#debounce);
    if (!this.#disposed) this.#debounce = setTimeout(this.#changed, DEBOUNCE_MS);
  }

  #reopen(): void {
    this.#reopened = this.#reopened.then(async () => {
      this.#close();
      // Deno shares one watch among all watchers of a path: only once the last of them has ended
      // does a new one see a new folder.
      await Promise.all(this.#followed.splice(0));
      if (this.#disposed) return;
      this.#open();
      this.#notice(); // of what happened meanwhile
    });
  }

  #close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearInterval(this.#poll);
    clearTimeout(this.#debounce);
    this.#close();
  }
}

/** Whether a path within a git directory has to do with refs or with what is shared. */
function matters(path: string): boolean {
  if (path.endsWith(".lock")) return false;
  return path === "packed-refs" || FOLDERS.includes(path.split(sep)[0]!);
}

/** Inode numbers are used again. */
function identityOf(path: string): string {
  try {
    const { ino, birthtime } = Deno.statSync(path);
    return `${ino} ${birthtime?.getTime()}`;
  } catch {
    return ""; // it is gone: there is nothing to watch until it is back
  }
}
