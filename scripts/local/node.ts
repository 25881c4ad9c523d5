/**
 * One person with a gtd of their own, on this computer only: a home, a git configuration and a DHT
 * node that nobody else sees.
 *
 * @module
 */
import { join } from "node:path";
import { ALONE } from "./alone.ts";
import { type Environment, type Output, run, type RunOptions } from "./run.ts";

const ROOT = join(import.meta.dirname!, "..", "..");

/** The part of `gtr status --json` that is used here. */
export interface NodeStatus {
  readonly daemon: { readonly pid: number };
  readonly transports: Readonly<Record<string, Readonly<Record<string, string | number>>>>;
  readonly repositories: readonly {
    readonly address: string;
    readonly sequence: number;
    readonly packs: number;
    readonly bytes: number;
    readonly peers: number;
  }[];
}

/** The caller's environment with `dist/bin` first on PATH and without their git and gtr settings. */
export function plainEnvironment(gitConfig: string): Environment {
  const kept = Object.entries(Deno.env.toObject()).filter(([name]) => !/^(GIT|GTR)_/.test(name));
  const environment = Object.fromEntries(kept);
  return {
    ...environment,
    PATH: `${join(ROOT, "dist", "bin")}:${environment.PATH ?? ""}`,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: gitConfig,
    GIT_TERMINAL_PROMPT: "0",
  };
}

/** A node. Disposing it stops its gtd and leaves its folder to the caller. */
export class LocalNode implements AsyncDisposable {
  readonly name: string;
  /** Where this person keeps their repositories. */
  readonly folder: string;
  readonly env: Environment;
  readonly #signal: AbortSignal;
  readonly #within: readonly string[];
  #pid?: number;

  private constructor(
    name: string,
    folder: string,
    known: Environment,
    signal: AbortSignal,
    more: Environment,
    within: readonly string[],
  ) {
    this.name = name;
    this.folder = folder;
    this.#signal = signal;
    this.#within = within;
    this.env = {
      ...plainEnvironment(join(folder, "gitconfig")),
      GTR_HOME: join(folder, "home"),
      ...ALONE,
      ...known,
      ...more,
    };
  }

  /**
   * Makes a node under `parent` and starts its gtd.
   *
   * @param signal stops what the node runs, except gtd
   * @param bootstrap a node of the network to join; without one, a new network begins here
   * @param more environment of all that it runs
   * @param within put before each command: what runs it in a namespace, for example
   */
  static async start(
    parent: string,
    name: string,
    signal: AbortSignal,
    bootstrap?: LocalNode,
    more: Environment = {},
    within: readonly string[] = [],
  ): Promise<LocalNode> {
    const folder = join(parent, name.toLowerCase());
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(
      join(folder, "gitconfig"),
      `[user]\n\tname = ${name}\n\temail = ${name.toLowerCase()}@example.org\n` +
        "[init]\n\tdefaultBranch = main\n[pull]\n\trebase = false\n[gc]\n\tauto = 0\n",
    );
    const known = bootstrap ? await bootstrap.#bootstrap() : {};
    const node = new LocalNode(name, folder, known, signal, more, within);
    try {
      // Not to be stopped half-way: a gtd that comes up afterwards would stay.
      await node.run(["gtr", "daemon", "start"], { signal: undefined });
      await node.status();
    } catch (error) {
      await node[Symbol.asyncDispose]();
      throw error;
    }
    return node;
  }

  /** Runs git in `cwd`, relative to the node's folder. */
  git(cwd: string, ...args: string[]): Promise<Output> {
    return this.run(["git", ...args], { cwd: join(this.folder, cwd) });
  }

  /** Runs gtr in the node's folder. */
  gtr(...args: string[]): Promise<Output> {
    return this.run(["gtr", ...args]);
  }

  run(command: readonly string[], options: Partial<RunOptions> = {}): Promise<Output> {
    const whole = [...this.#within, ...command];
    return run(whole, { cwd: this.folder, env: this.env, signal: this.#signal, ...options });
  }

  async status(): Promise<NodeStatus> {
    const status: NodeStatus = JSON.parse((await this.gtr("status", "--json")).stdout);
    this.#pid = status.daemon.pid;
    return status;
  }

  /** Where others can join this node's DHT: host:port. */
  async dht(): Promise<string> {
    return String((await this.status()).transports.torrent?.dht);
  }

  /** Settings by which another node joins the networks that this one is in. */
  async #bootstrap(): Promise<Environment> {
    const { torrent, holepunch } = (await this.status()).transports;
    return {
      ...(torrent?.dht ? { GTR_TORRENT_BOOTSTRAP: String(torrent.dht) } : {}),
      ...(holepunch?.dht ? { GTR_HOLEPUNCH_BOOTSTRAP: String(holepunch.dht) } : {}),
    };
  }

  /** gtd's resident memory in bytes. */
  async memory(): Promise<number> {
    const { daemon } = await this.status();
    const text = await Deno.readTextFile(`/proc/${daemon.pid}/status`);
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(text)?.[1]) * 1024;
  }

  /** Stops gtd, if need be by force. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.#pid;
    this.#pid = undefined;
    try {
      await this.run(["gtr", "daemon", "stop"], { deadline: 15_000, signal: undefined });
    } catch {
      if (pid === undefined) return;
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // it has ended by itself
      }
    }
  }
}
