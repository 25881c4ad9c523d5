/** Nodes with real stores and real git, without networks of their own. */
import { join } from "node:path";
import { Counters } from "../../../lib/common/counters.ts";
import { Home } from "../../../lib/common/home.ts";
import { Mutex } from "../../../lib/common/mutex.ts";
import { Settings } from "../../../lib/common/settings.ts";
import { deadline } from "../../../lib/common/wait.ts";
import type { EngineParts } from "../../../lib/engine/parts.ts";
import { maySeed } from "../../../lib/engine/follow/follow.ts";
import { Passwords } from "../../../lib/engine/passwords.ts";
import { Quota } from "../../../lib/engine/keep/quota.ts";
import { Bitmaps } from "../../../lib/engine/keep/bitmaps.ts";
import { Seeder } from "../../../lib/engine/keep/seeder.ts";
import { writeRepositorySettings } from "../../../lib/shares/repository_settings.ts";
import { Shares } from "../../../lib/shares/shares.ts";
import { keyFromSeed } from "../../../lib/identity/keys.ts";
import { loadMachine } from "../../../lib/identity/machine.ts";
import type { VerifySignature } from "../../../lib/manifest/manifest.ts";
import { Follows } from "../../../lib/store/follows.ts";
import { RefusedList } from "../../../lib/store/refused.ts";
import { Store } from "../../../lib/store/store.ts";
import type { StoredRepository } from "../../../lib/store/stored_repository.ts";
import type { OpenNetwork } from "../../../lib/ports/network.ts";
import { git, gitDirOf, initRepository, tempDir } from "../git_interface/fixture.ts";

/** What no test may wait longer for, in milliseconds. */
const LONGEST_MS = 60_000;

/** For those that wait in vain. */
export const HASTY = { GTR_NETWORK_TIMEOUT: "1" };

/** A wait that ends any test that hangs. */
export const soon = () => deadline(LONGEST_MS, "a test");

/** What an engine works with. */
export async function makeParts(
  root: string,
  networks: readonly OpenNetwork[] = [],
  options: { seed?: number; env?: Record<string, string>; verify?: VerifySignature } = {},
): Promise<EngineParts & { readonly logged: string[] }> {
  const home = new Home(join(root, `home-${options.seed ?? 1}`));
  await home.ensure();
  const env: Record<string, string> = { GTR_NETWORK_TIMEOUT: "30", ...options.env };
  const settings = await Settings.load(home, (name) => env[name]);
  const logged: string[] = [];
  const log = (message: string) => void logged.push(message);
  const key = keyFromSeed(new Uint8Array(32).fill(options.seed ?? 1));
  const machine = await loadMachine(home.root);
  const [store, follows, passwords] = [
    new Store(home, options.verify),
    new Follows(home),
    new Passwords(),
  ];
  const given = { home, settings, key, machine, passwords, store, follows, log };
  const seeder = new Seeder(
    networks,
    settings,
    log,
    (stored: StoredRepository) => maySeed(given, stored),
    new Bitmaps(given),
  );
  return {
    ...given,
    networks,
    seeder,
    quota: new Quota({ ...given, seeder }),
    refused: new RefusedList(given.home),
    changes: new Mutex(),
    dropped: new Counters(),
    logged,
  };
}

/** A working repository on branch main, shared under a name. */
export async function sharedRepository(
  root: string,
  home: Home,
  name = "hello",
): Promise<{ path: string; gitDir: string }> {
  const path = await Deno.realPath(await initRepository(join(root, `work-${name}`)));
  await share(home, gitDirOf(path), name, ["main"]);
  return { path, gitDir: gitDirOf(path) };
}

/** Shares these branches of a repository and no others. */
export async function share(
  home: Home,
  gitDir: string,
  name: string,
  branches: readonly string[],
  tags: "reachable" | "all" = "reachable",
): Promise<void> {
  await writeRepositorySettings(gitDir, {
    version: 1,
    name,
    branches: branches.map((branch) => `refs/heads/${branch}`),
    tags,
  });
  await new Shares(home).add({ gitDir, name });
}

/** A fast commit without a working tree; returns its id. */
export async function emptyCommit(
  path: string,
  options: { parent?: string; branch?: string; text?: string } = {},
): Promise<string> {
  const text = options.text ?? crypto.randomUUID();
  const blob = await git(path, ["hash-object", "-w", "--stdin"], text);
  const tree = await git(path, ["mktree"], `100644 blob ${blob}\tfile\n`);
  const parents = options.parent ? ["-p", options.parent] : [];
  const oid = await git(path, ["commit-tree", tree, ...parents, "-m", text.slice(0, 20)]);
  if (options.branch) await git(path, ["update-ref", `refs/heads/${options.branch}`, oid]);
  return oid;
}

export { git, tempDir };
