/**
 * The people of a soak: one who publishes, one who follows, and others who come and go.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { LocalNode } from "../local/node.ts";
import { Random } from "../local/random.ts";
import type { Sandbox } from "../local/sandbox.ts";
import { commit, headOf } from "../local/stage.ts";
import { filesIn, type Process, processNow } from "./process.ts";

/** Random bytes of each publication; as base64 they compress to about this. */
const CONTENT_BYTES = 3000;
/** Files that are written again and again, so that trees stay as large as they are. */
const FILES = 50;
/** Longer than any publication takes on a busy machine. */
const SEEN_MS = 60_000;
const LOOK_MS = 10;

/** One person's gtd and store, at a moment. */
export interface Sample extends Process {
  readonly storeBytes: number;
  readonly storeFiles: number;
}

/** They all share one repository. */
export class People {
  readonly publisher: LocalNode;
  readonly follower: LocalNode;
  readonly #sandbox: Sandbox;
  readonly #url: string;
  readonly #pids: ReadonlyMap<LocalNode, number>;
  readonly #random = new Random(3000);
  #commits = 0;
  #joined = 0;

  private constructor(
    sandbox: Sandbox,
    { publisher, follower, url, pids }: {
      readonly publisher: LocalNode;
      readonly follower: LocalNode;
      readonly url: string;
      readonly pids: ReadonlyMap<LocalNode, number>;
    },
  ) {
    this.#sandbox = sandbox;
    this.#url = url;
    this.#pids = pids;
    this.publisher = publisher;
    this.follower = follower;
  }

  /** Makes them, with a first publication that is followed and cloned. */
  static async make(sandbox: Sandbox): Promise<People> {
    const publisher = await sandbox.node("Publisher");
    await publisher.git(".", "init", "--quiet", "work");
    await commit(publisher, "work", "first.txt", "first\n");
    const cwd = join(publisher.folder, "work");
    const url = (await publisher.run(["gtr", "init", "--name", "soak"], { cwd })).stdout.trim();
    const follower = await sandbox.node("Follower", publisher);
    await follower.gtr("follow", url);
    await follower.git(".", "clone", "--quiet", url, "copy");
    const pids = new Map<LocalNode, number>();
    for (const node of [publisher, follower]) pids.set(node, (await node.status()).daemon.pid);
    return new People(sandbox, { publisher, follower, url, pids });
  }

  /** How many commits were made. */
  get commits(): number {
    return this.#commits;
  }

  /** Commits; milliseconds from then until that is published. */
  async publish(): Promise<number> {
    const file = `file-${this.#commits++ % FILES}.txt`;
    const content = Uint8Array.from({ length: CONTENT_BYTES }, () => this.#random.below(256));
    await commit(this.publisher, "work", file, content.toBase64());
    return await this.#seen(this.publisher);
  }

  /** Milliseconds until the follower has it, whose clone is then brought up to date. */
  async follow(): Promise<number> {
    const ms = await this.#seen(this.follower);
    await this.follower.git("copy", "pull", "--quiet");
    return ms;
  }

  /** Somebody new clones all, is there for as long as `meanwhile` takes, and leaves. */
  async visit(meanwhile: () => Promise<void>): Promise<void> {
    const visitor = await this.#sandbox.node(`Visitor-${++this.#joined}`, this.publisher);
    try {
      await visitor.git(".", "clone", "--quiet", this.#url, "copy");
      await meanwhile();
    } finally {
      await visitor[Symbol.asyncDispose]();
      await rm(visitor.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    }
  }

  async sample(node: LocalNode): Promise<Sample> {
    const { bytes, count } = await filesIn(join(node.env.GTR_HOME!, "store"));
    return { ...await processNow(this.#pids.get(node)!), storeBytes: bytes, storeFiles: count };
  }

  /** Waits until a person's store has what was committed last. */
  async #seen(node: LocalNode): Promise<number> {
    const started = performance.now();
    const tip = await headOf(this.publisher, "work");
    while (performance.now() < started + SEEN_MS) {
      this.#sandbox.signal.throwIfAborted();
      if (await mainOf(node) === tip) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    throw new Error(`${node.name} did not see a commit within ${SEEN_MS / 1000} s`);
  }
}

/** Main as the only repository of a person's store has it: read without asking gtd, which costs. */
async function mainOf(node: LocalNode): Promise<string | undefined> {
  const store = join(node.env.GTR_HOME!, "store");
  for await (const { name, isDirectory } of Deno.readDir(store)) {
    if (!isDirectory) continue;
    const path = join(store, name, "soak.git", "gtr", "manifest.json");
    const text = await Deno.readTextFile(path).catch(() => undefined);
    if (text !== undefined) return JSON.parse(text).manifest.refs["refs/heads/main"];
  }
}
