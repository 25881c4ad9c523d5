/**
 * A user in a test: a home of its own, the built executables on PATH, real git.
 *
 * @module
 */
import assert from "node:assert/strict";
import { delimiter, join, resolve } from "node:path";
import { ALONE, missingSettings } from "../../scripts/local/alone.ts";
import { until } from "./until.ts";

const ROOT = resolve(import.meta.dirname!, "..", "..");
/** Where `make` puts the executables. */
export const BIN = join(ROOT, "dist", "bin");
const COMMAND_MS = 120_000;

/** What a command did. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of one command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly ms?: number;
}

/** One user with a GTR_HOME on loopback. Disposing it stops its gtd and removes its folder. */
export class Node implements AsyncDisposable {
  readonly directory: string;
  readonly home: string;
  readonly env: Record<string, string>;
  readonly #namespace: string | undefined;

  private constructor(
    directory: string,
    bootstrap: string,
    env: Record<string, string>,
    namespace?: string,
  ) {
    this.directory = directory;
    this.#namespace = namespace;
    this.home = env.GTR_HOME ?? join(directory, "gtr");
    this.env = {
      PATH: `${BIN}${delimiter}${Deno.env.get("PATH")}`,
      HOME: directory,
      GTR_HOME: this.home,
      ...ALONE,
      GTR_TORRENT_BOOTSTRAP: bootstrap,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      LC_ALL: "C",
      ...env,
    };
    const open = namespace ? [] : missingSettings(this.env);
    assert.deepEqual(open, [], "these keep gtd from contacting the public networks");
  }

  /**
   * @param bootstrap "none" for the first node of a network, else the first one's DHT address
   * @param namespace the network namespace that everything of this user's runs in
   */
  static async make(
    bootstrap: string,
    env: Record<string, string> = {},
    namespace?: string,
  ): Promise<Node> {
    const directory = await Deno.makeTempDir({ prefix: "gtr-e2e-" });
    const node = new Node(await Deno.realPath(directory), bootstrap, env, namespace);
    for (
      const [key, value] of [
        ["user.name", "Test"],
        ["user.email", "test@example.org"],
        ["init.defaultBranch", "main"],
        ["advice.detachedHead", "false"],
        ["protocol.file.allow", "always"],
        ["gc.autoDetach", "false"], // else git goes on in folders that are being removed
      ]
    ) await node.git("config", "--global", key!, value!);
    return node;
  }

  /** Runs a program to its end, or kills it at the deadline and fails. */
  async run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    const inside = this.#namespace ? ["ip", "netns", "exec", this.#namespace] : [];
    const [first, ...rest] = [...inside, program, ...args];
    const child = new Deno.Command(first!, {
      args: rest,
      cwd: options.cwd ?? this.directory,
      env: { ...this.env, ...options.env },
      clearEnv: true,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(options.stdin));
      await writer.close();
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, options.ms ?? COMMAND_MS);
    const output = await child.output();
    clearTimeout(timer);
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    const outcome = {
      code: output.code,
      stdout: text(output.stdout),
      stderr: text(output.stderr),
    };
    assert(!late, `${program} ${args.join(" ")} did not end in time:\n${outcome.stderr}`);
    return outcome;
  }

  /** Runs git and returns stdout, trimmed; fails the test unless it exits with 0. */
  git(...args: string[]): Promise<string> {
    return this.gitIn(this.directory, ...args);
  }

  gitIn(cwd: string, ...args: string[]): Promise<string> {
    return this.#succeed("git", args, { cwd });
  }

  /** Runs gtr and returns stdout, trimmed; fails the test unless it exits with 0. */
  gtr(...args: string[]): Promise<string> {
    return this.gtrIn(this.directory, ...args);
  }

  gtrIn(cwd: string, ...args: string[]): Promise<string> {
    return this.#succeed("gtr", args, { cwd });
  }

  async #succeed(program: string, args: string[], options: RunOptions): Promise<string> {
    const { code, stdout, stderr } = await this.run(program, args, options);
    assert.equal(code, 0, `${program} ${args.join(" ")} failed:\n${stdout}${stderr}`);
    return stdout.trimEnd();
  }

  /** A path in this user's folder. */
  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  /** A repository with one commit, shared; returns its address. */
  async share(name: string): Promise<string> {
    const path = this.path(name);
    await Deno.mkdir(path);
    await this.gitIn(path, "init", "-q");
    await this.commit(name, "readme.txt", "hello\n");
    return await this.gtrIn(path, "init");
  }

  /** Commits one file; returns the commit's id. */
  async commit(repository: string, file: string, content: string): Promise<string> {
    const path = this.path(repository);
    await Deno.mkdir(join(path, file, ".."), { recursive: true });
    await Deno.writeTextFile(join(path, file), content);
    await this.gitIn(path, "add", "-A");
    await this.gitIn(path, "commit", "-q", "-m", `change ${file}`);
    return await this.gitIn(path, "rev-parse", "HEAD");
  }

  /** This node's DHT address, for the bootstrap of others. Starts gtd. */
  async dht(): Promise<string> {
    await this.gtr("daemon", "start");
    return await this.figure("torrent", "dht");
  }

  /** What `gtr status` tells of a network at once: nobody should have to ask twice. */
  async figure(network: string, name: string): Promise<string> {
    const value = (await this.status()).transports[network]?.[name];
    assert.ok(value !== undefined, `${name} of ${network}`);
    return String(value);
  }

  // deno-lint-ignore no-explicit-any -- the JSON that users' scripts read, untyped as for them
  async status(): Promise<any> {
    return JSON.parse(await this.gtr("status", "--json"));
  }

  /** The pid of the gtd that runs, or undefined. */
  async gtdPid(): Promise<number | undefined> {
    const { code, stdout } = await this.run("gtr", ["status", "--json"], {
      env: { GTR_DAEMON_AUTOSTART: "0" },
    });
    if (code !== 0) return undefined;
    return JSON.parse(stdout).daemon?.pid;
  }

  /** Waits until `remote` shows `oid` for `ref` at `url`. Asks git again until a deadline. */
  async untilPublished(url: string, ref: string, oid: string | undefined): Promise<void> {
    let seen: Outcome | undefined;
    await until(
      () => `${ref} of ${url} is ${oid ?? "absent"}:\n${seen?.stdout}${seen?.stderr}`,
      async () => {
        seen = await this.run("git", ["ls-remote", url, ref]);
        return seen.stdout.split("\t")[0]!.trim() === (oid ?? "");
      },
    );
  }

  async stopGtd(): Promise<void> {
    await this.gtr("daemon", "stop");
  }

  /** Ends gtd as a power cut would. */
  async killGtd(): Promise<void> {
    const pid = await this.gtdPid();
    assert(pid !== undefined, "no gtd to kill");
    Deno.kill(pid, "SIGKILL");
    await until("gtd has gone", async () => {
      const { code } = await this.run("gtr", ["daemon", "status"]);
      return code === 1;
    });
  }

  /** The store's bare repository of what `publisher` (default: this user) shares as `name`. */
  async stored(name: string, publisher: Node = this): Promise<string> {
    const { publicKey } = JSON.parse(await publisher.gtr("id", "--json"));
    return join(this.home, "store", publicKey, `${name}.git`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("gtr", ["daemon", "stop"]).catch(() => {});
    await Deno.remove(this.directory, { recursive: true });
  }
}
