/**
 * Where a user's files are.
 *
 * @module
 */
import { storeError } from "./atomic_file.ts";
import { StoreError, UsageError } from "./errors.ts";
import { dirname, isAbsolute, join, resolve } from "node:path";

/**
 * `GTR_HOME`, or `$XDG_DATA_HOME/gtr`, or `~/.local/share/gtr`.
 *
 * @throws {UsageError} "no-home" if none of these is set: the current folder may be a working tree,
 * where a private key must not be
 */
export function gtrHome(): string {
  const chosen = Deno.env.get("GTR_HOME");
  if (chosen) return isAbsolute(chosen) ? chosen : resolve(chosen);
  const data = Deno.env.get("XDG_DATA_HOME");
  if (data && isAbsolute(data)) return join(data, "gtr");
  const user = Deno.env.get("HOME") || Deno.env.get("USERPROFILE");
  if (user && isAbsolute(user)) return join(user, ".local", "share", "gtr");
  throw new UsageError("no-home", "can't find your files: HOME is not set to a folder", {
    hint: "set HOME, or GTR_HOME to a folder of your own",
  });
}

/**
 * Returns if `folder` is in no working tree of git: `git add` would take in the private key.
 *
 * @throws {StoreError} "home-in-repository"
 */
export async function checkOutsideRepositories(folder: string): Promise<void> {
  for (let above = resolve(folder);; above = dirname(above)) {
    const found = await Deno.lstat(join(above, ".git")).then(() => true, () => false);
    if (found) {
      throw new StoreError(
        "home-in-repository",
        `can't keep your private key in ${folder}: ${above} is a git repository`,
        { hint: "set GTR_HOME to a folder outside of it" },
      );
    }
    if (above === dirname(above)) return;
  }
}

/** The files and folders of one home. */
export class Home {
  readonly root: string;
  constructor(root: string = gtrHome()) {
    this.root = root;
  }
  get config(): string {
    return join(this.root, "config.json");
  }
  get identity(): string {
    return join(this.root, "identity.pem");
  }
  get names(): string {
    return join(this.root, "names.json");
  }
  get registry(): string {
    return join(this.root, "registry.json");
  }
  get shares(): string {
    return join(this.root, "shares.json");
  }
  get follows(): string {
    return join(this.root, "follows.json");
  }
  get store(): string {
    return join(this.root, "store");
  }
  get socket(): string {
    return join(this.root, "gtd.sock");
  }
  get lock(): string {
    return join(this.root, "gtd.lock");
  }
  get log(): string {
    return join(this.root, "gtd.log");
  }

  /**
   * Makes the folder, readable by its owner only. One that was there and is open to others is closed
   * to them, where it is this user's: the control socket is in it.
   *
   * @throws {StoreError} "home-in-repository", "not-writable", "disk-full"
   */
  async ensure(): Promise<void> {
    await checkOutsideRepositories(this.root);
    try {
      await Deno.mkdir(this.root, { recursive: true, mode: 0o700 });
      await closeToOthers(this.root);
    } catch (error) {
      throw storeError(`can't make ${this.root}`, error);
    }
  }
}

async function closeToOthers(folder: string): Promise<void> {
  const { mode } = await Deno.stat(folder);
  // A folder with the sticky bit, such as /tmp, is meant for all.
  if (mode === null || (mode & 0o077) === 0 || (mode & 0o1000) !== 0) return;
  await Deno.chmod(folder, 0o700).catch((error) => {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error; // somebody else's
  });
}
