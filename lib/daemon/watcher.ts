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

  /** Starts watching `gitDir`; does nothing where it is watched already. */
  add(gitDir: string): void {
    if (this.#watched.has(gitDir)) return;
    this.#watched.set(gitDir, new Watch(gitDir, () => this.#changed(gitDir), this.#log));
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

class Watch implements Disposable {
  readonly #gitDir: string;
  readonly #changed: () => void;
  readonly #poll: ReturnType<typeof setInterval>;
  #watchers: Deno.FsWatcher[] = [];
  #debounce?: ReturnType<typeof setTimeout>;

  constructor(gitDir: string, changed: () => void, log: (message: string) => void) {
    this.#gitDir = gitDir;
    this.#changed = changed;
    this.#poll = setInterval(changed, POLL_MS);
    // The git directory itself holds packed-refs; below it only what holds refs or our settings, so
    // that a busy index or object store wakes nobody.
    const places: [string, boolean][] = [
      [gitDir, false],
      ...["refs", "reftable", "gtr"]
        .map((name) => [join(gitDir, name), true] as [string, boolean]),
    ];
    for (const [path, recursive] of places) {
      try {
        const watcher = Deno.watchFs(path, { recursive });
        this.#watchers.push(watcher);
        void this.#follow(watcher);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) {
          log(`can't watch ${path}: ${(error as Error).message}; looking every minute instead`);
        }
      }
    }
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    for await (const event of watcher) {
      if (event.kind === "access" || !event.paths.some((path) => this.#matters(path))) continue;
      clearTimeout(this.#debounce);
      this.#debounce = setTimeout(this.#changed, DEBOUNCE_MS);
    }
  }

  #matters(path: string): boolean {
    const inside = relative(this.#gitDir, path);
    if (inside.endsWith(".lock")) return false;
    const [top] = inside.split(sep);
    return top === "refs" || top === "reftable" || inside === "packed-refs" || top === "gtr";
  }

  [Symbol.dispose](): void {
    clearInterval(this.#poll);
    clearTimeout(this.#debounce);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }
}
