/**
 * A temporary folder and the nodes in it, gone at the end however it ends.
 *
 * @module
 */
import { rm } from "node:fs/promises";
import { LocalNode } from "./node.ts";
import type { Environment } from "./run.ts";

/** Hands out nodes; they are stopped in the reverse order, whatever happens. */
export class Sandbox implements AsyncDisposable {
  readonly folder: string;
  readonly #nodes = new AsyncDisposableStack();
  readonly #interrupted = new AbortController();

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Runs `work` in a new sandbox and cleans up, also where the user interrupts it.
   *
   * @param prefix of the temporary folder's name
   */
  static async with(prefix: string, work: (sandbox: Sandbox) => Promise<void>): Promise<void> {
    await using sandbox = new Sandbox(await Deno.makeTempDir({ prefix }));
    const interrupt = () => sandbox.#interrupted.abort(new Error("interrupted"));
    for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, interrupt);
    await work(sandbox); // whatever it runs next fails once it is interrupted
  }

  /** Aborts where the user interrupts it. */
  get signal(): AbortSignal {
    return this.#interrupted.signal;
  }

  /** Starts a node; see {@linkcode LocalNode.start}. */
  async node(
    name: string,
    bootstrap?: LocalNode,
    more?: Environment,
    within?: readonly string[],
  ): Promise<LocalNode> {
    const { signal } = this.#interrupted;
    const node = await LocalNode.start(this.folder, name, signal, bootstrap, more, within);
    return this.#nodes.use(node);
  }

  /** Has `stop` called at the end. */
  defer(stop: () => void | Promise<void>): void {
    this.#nodes.defer(stop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nodes.disposeAsync();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
