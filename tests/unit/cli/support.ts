/** Driving the command line with a stand-in for gtd, and real git in temporary folders. */
import { join } from "node:path";
import type { Io } from "../../../lib/cli/io.ts";
import { run } from "../../../lib/cli/run.ts";
import type { Services } from "../../../lib/cli/services.ts";
import { NetworkError, toGtrError } from "../../../lib/common/errors.ts";
import type {
  CommitHolders,
  Health,
  OwnStates,
  PlannedPack,
  Status,
} from "../../../lib/daemon/api.ts";
import { callsBy, type Gtd } from "../../../lib/daemon/operations.ts";
import { readRepositorySettings } from "../../../lib/shares/repository_settings.ts";
import { formatAddress } from "../../../lib/identity/address.ts";
import { loadOrCreateKey } from "../../../lib/identity/keys.ts";
import { Home } from "../../../lib/common/home.ts";

const GIT_ENV = {
  GIT_AUTHOR_NAME: "A",
  GIT_AUTHOR_EMAIL: "a@example.org",
  GIT_COMMITTER_NAME: "A",
  GIT_COMMITTER_EMAIL: "a@example.org",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
};

/** Runs real git; returns what it printed, without the last newline. */
export async function git(cwd: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("git", { args, cwd, env: GIT_ENV })
    .output();
  if (!success) throw new Error(`git ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trimEnd();
}

/** How one command line ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One user in a temporary folder, whose gtd is a stand-in that notes what it is asked. */
export class User implements AsyncDisposable {
  readonly folder: string;
  readonly home: Home;
  readonly env = new Map<string, string>();
  /** Git directories that gtd was asked to publish, with the branches they shared then. */
  readonly published: { gitDir: string; branches: readonly string[] | undefined }[] = [];
  /** What gtd was asked to follow and unfollow. */
  readonly asked: string[] = [];
  warnings: string[] = [];
  /** What gtd says of one's own repositories. */
  own: OwnStates = {};
  packs: PlannedPack[] = [];
  /** What gtd answers to `who`. */
  holders: CommitHolders[] = [];
  /** Why gtd doesn't acknowledge what it publishes. */
  shortfall: string | undefined;
  daemon: "running" | "stopped" | "broken" = "running";
  interactive = false;
  /** What domains answer about their names. */
  readonly registries = new Map<string, unknown>();
  /** What is typed where secrets are asked for. */
  typed: string[] = [];
  readonly ending = new AbortController();

  private constructor(folder: string) {
    this.folder = folder;
    this.home = new Home(join(folder, "home"));
  }

  static async make(): Promise<User> {
    return new User(await Deno.realPath(await Deno.makeTempDir({ prefix: "gtr-test-" })));
  }

  /** A folder of this user's, made if need be. */
  async at(...path: string[]): Promise<string> {
    const folder = join(this.folder, ...path);
    await Deno.mkdir(folder, { recursive: true });
    return folder;
  }

  /** A repository with one commit on main. */
  async repository(name: string): Promise<string> {
    const folder = await this.at(name);
    await git(folder, "init", "-q", "-b", "main");
    await git(folder, "commit", "-q", "--allow-empty", "-m", "first");
    return folder;
  }

  /** Runs `gtr <argv>` in `cwd`. */
  async gtr(cwd: string, ...argv: string[]): Promise<Outcome> {
    let out = "";
    let err = "";
    const io: Io = {
      cwd,
      env: (name) => this.env.get(name),
      home: this.home.root,
      stdout: (text) => void (out += text),
      stderr: (text) => void (err += text),
      interactive: this.interactive,
      signal: this.ending.signal,
    };
    const code = await run(argv, io, this.#services());
    return { code, out, err };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }

  status(): Status {
    return {
      daemon: { pid: 42, version: "0.1.0", uptimeSeconds: 200 },
      transports: { torrent: { dht: "127.0.0.1:1", nodes: 3, listen: "127.0.0.1:2" } },
      repositories: [{
        address: "torrent://00/hello",
        sequence: 7,
        packs: 2,
        bytes: 2048,
        role: "published",
        pinned: true,
        peers: 1,
        overQuota: false,
      }],
      reach: {},
      store: { bytes: 0, quota: 0 },
      warnings: this.warnings,
      dropped: { "torrent/bad-record": 5 },
    };
  }

  health(): Health {
    return {
      daemon: { pid: 42, version: "0.1.0" },
      networks: [{ scheme: "torrent", state: "reachable", summary: "in touch with 3 nodes" }],
    };
  }

  #services(): Services {
    const gtd: Gtd = {
      ...callsBy(() => Promise.reject(new Error("not in this test"))),
      publish: async ({ gitDir }, wait) => {
        wait.progress?.(1, 2, "Packing");
        const settings = await readRepositorySettings(gitDir);
        this.published.push({ gitDir, branches: settings?.branches });
        const shared = settings && settings.branches.length > 0;
        const { id } = await loadOrCreateKey(this.home.identity);
        const torrent = formatAddress({ scheme: "torrent", id, name: settings?.name ?? "" });
        const addresses: Record<string, string> = shared ? { torrent } : {};
        const { warnings, shortfall } = this;
        return { addresses, sequence: 1, changed: true, warnings, shortfall };
      },
      push: ({ updates }) => {
        this.asked.push(`push ${updates.map(({ ref, oid }) => `${oid}:${ref}`).join(" ")}`);
        return Promise.resolve(updates.map(({ ref }) => ({ ref, ok: true as const })));
      },
      withdraw: ({ name }) => {
        this.asked.push(`withdraw ${name}`);
        const changed = name === "pushed";
        return Promise.resolve({ addresses: {}, sequence: 0, changed, warnings: this.warnings });
      },
      follow: ({ url, branches }) => {
        this.asked.push(`follow ${url}${branches ? ` as ${branches.join("+")} change` : ""}`);
        return Promise.resolve({
          address: url,
          publisher: "00".repeat(32),
          name: "tools",
          sequence: 3,
          own: false,
          objectFormat: "sha1",
          head: "refs/heads/main",
          refs: {},
          packBytes: 0,
          warning: this.warnings[0],
        });
      },
      unfollow: ({ url, keep }) => {
        this.asked.push(`unfollow ${url} ${keep}`);
        return Promise.resolve({ address: url, removed: !keep, warning: this.warnings[0] });
      },
      who: ({ commit, url }) => {
        this.asked.push(`who ${commit} ${url}`);
        return Promise.resolve({ repositories: this.holders, warning: this.warnings[0] });
      },
      plannedPacks: () => Promise.resolve(this.packs),
      own: () => Promise.resolve(this.own),
      status: () => Promise.resolve(this.status()),
      version: () => Promise.resolve({ version: this.status().daemon.version, pid: 42 }),
      health: () => Promise.resolve(this.health()),
      useKey: ({ network, password }) => {
        this.asked.push(`key ${network} ${password}`);
        return Promise.resolve(null);
      },
      keyFaults: () => Promise.resolve({}),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    return {
      secrets: () => () => Promise.resolve(this.typed.shift()),
      askRegistry: ({ domain }) =>
        this.registries.has(domain)
          ? Promise.resolve(new TextEncoder().encode(JSON.stringify(this.registries.get(domain))))
          : Promise.reject(new NetworkError("unreachable", `can't reach ${domain}: no route`)),
      connect: () =>
        this.daemon === "broken"
          ? Promise.reject(toGtrError(new Error("can't reach gtd: it is a test")))
          : Promise.resolve(gtd),
      running: () => Promise.resolve(this.daemon === "running" ? gtd : undefined),
      start: () => {
        const started = this.daemon !== "running";
        this.daemon = "running";
        return Promise.resolve({ pid: 42, started });
      },
      stop: () => {
        const ran = this.daemon === "running";
        this.daemon = "stopped";
        return Promise.resolve(ran);
      },
    };
  }
}
