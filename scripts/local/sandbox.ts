/**
 * A temporary folder and the nodes in it, gone at the end however it ends.
 *
 * @module
 */
import { LocalNode } from "./node.ts";

/** Hands out nodes; they are stopped in the reverse order, whatever happens. */
export class Sandbox implements AsyncDisposable {
  readonly folder: string;
  readonly #nodes = new AsyncDisposableStack();

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
    const interrupted = Promise.withResolvers<never>();
    const interrupt = () => interrupted.reject(new Error("interrupted"));
    for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, interrupt);
    const working = work(sandbox);
    working.catch(() => {}); // after an interruption it fails for want of nodes
    await Promise.race([working, interrupted.promise]);
  }

  /** Starts a node; see {@linkcode LocalNode.start}. */
  async node(name: string, bootstrap?: LocalNode): Promise<LocalNode> {
    return this.#nodes.use(await LocalNode.start(this.folder, name, bootstrap));
  }

  /** Has `stop` called at the end. */
  defer(stop: () => void | Promise<void>): void {
    this.#nodes.defer(stop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#nodes.disposeAsync();
    await Deno.remove(this.folder, { recursive: true });
  }
}
