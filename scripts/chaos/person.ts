/**
 * A person whose programs are hurt: a node with a network device and a disk that can fail.
 *
 * @module
 */
import { join } from "node:path";
import type { LimitedHost } from "../bench/swarm/limited_network.ts";
import type { LocalNode } from "../local/node.ts";
import { LateError, type Output } from "../local/run.ts";
import { processesOf, signal } from "./processes.ts";
import type { FillableDisk } from "./small_disk.ts";

/** Longer than any command waits for by itself, on a busy machine. */
const COMMAND_MS = 120_000;
/** Within this, programs end whose caller has gone. */
const ORPHANS_MS = 60_000;

/** Nobody but us reads stack traces: a failure is told in words. */
const TRACE = /^\s+at .+(:\d+:\d+|<anonymous>)|Uncaught/m;

/** A command did not end in time. */
export class Hang extends Error {}

/** A person, with what can be taken from them. */
export class Person {
  readonly node: LocalNode;
  readonly host?: LimitedHost;
  readonly disk?: FillableDisk;
  /** Environment of the round's fault. */
  env: Record<string, string> = {};

  constructor(node: LocalNode, host?: LimitedHost, disk?: FillableDisk) {
    this.node = node;
    this.host = host;
    this.disk = disk;
  }

  get name(): string {
    return this.node.name;
  }

  get folder(): string {
    return this.node.folder;
  }

  get home(): string {
    return this.node.env.GTR_HOME!;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /**
   * Runs a command to its end, well or not.
   *
   * @throws {Hang} where it doesn't end
   */
  async attempt(cwd: string, ...command: string[]): Promise<Output> {
    // What it started may hold its pipes: those go, too, or nothing would end.
    const reap = setTimeout(() => this.kill(), COMMAND_MS + 5000);
    try {
      const output = await this.node.run(command, {
        cwd: this.path(cwd),
        env: { ...this.node.env, ...this.env },
        deadline: COMMAND_MS,
        allowFail: true,
      });
      if (TRACE.test(output.stderr)) throw new Error(`${this.name}: ${output.stderr}`);
      return output;
    } catch (error) {
      if (error instanceof LateError) throw new Hang(`${this.name}: ${error.message}`);
      throw error;
    } finally {
      clearTimeout(reap);
    }
  }

  /**
   * Runs a command that has to succeed; what it printed, trimmed.
   *
   * @throws {Hang} where it doesn't end
   */
  async succeed(cwd: string, ...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(cwd, ...command);
    if (code !== 0) throw new Error(`${this.name}: ${command.join(" ")}: ${stdout}${stderr}`);
    return stdout.trim();
  }

  /** Commits a file; the commit's id. */
  async commit(where: string, file: string, content: string, ...more: string[]): Promise<string> {
    await Deno.writeTextFile(this.path(where, file), content);
    await this.succeed(where, "git", "add", "-A");
    await this.succeed(where, "git", "commit", "--quiet", "-m", `Write ${file}`, ...more);
    return await this.succeed(where, "git", "rev-parse", "HEAD");
  }

  /** Does what git tells people to do after a crash: removes the locks that a killed git left. */
  async unlock(where: string): Promise<void> {
    await this.succeed(".", "find", where, "-name", "*.lock", "-path", "*.git/*", "-delete");
  }

  /**
   * Waits until nothing but gtd runs.
   *
   * @throws {Hang} where something stays
   */
  async quiet(): Promise<void> {
    const end = performance.now() + ORPHANS_MS;
    for (;;) {
      const others = (await processesOf(this.home)).filter(({ kind }) => kind === "helper");
      if (others.length === 0) return;
      if (performance.now() > end) {
        for (const { pid } of others) signal(pid, "SIGKILL");
        throw new Hang(`${this.name}: still running: ${others.map((p) => p.command).join(", ")}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends all that runs in this person's name. */
  async kill(): Promise<void> {
    for (const { pid } of await processesOf(this.home)) signal(pid, "SIGKILL");
  }
}
