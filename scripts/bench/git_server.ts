/**
 * `git daemon` on loopback, behind a proxy that counts what it sends.
 *
 * @module
 */
import { join } from "node:path";
import { type Environment, run } from "../local/run.ts";

/** Serves every repository of a folder as git://. */
export class GitServer implements AsyncDisposable {
  readonly #daemon: Deno.ChildProcess;
  readonly #proxy: Deno.TcpListener;
  readonly #port: number;
  #sent = 0;

  private constructor(daemon: Deno.ChildProcess, proxy: Deno.TcpListener, port: number) {
    this.#daemon = daemon;
    this.#proxy = proxy;
    this.#port = port;
    void this.#serve();
  }

  static async start(folder: string, env: Environment): Promise<GitServer> {
    const binary = join((await run(["git", "--exec-path"], { env })).stdout.trim(), "git-daemon");
    const port = freePort();
    const daemon = new Deno.Command(binary, {
      args: [
        "--listen=127.0.0.1",
        `--port=${port}`,
        "--reuseaddr",
        "--export-all",
        `--base-path=${folder}`,
        folder,
      ],
      env: { ...env },
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    await answering(port, daemon);
    return new GitServer(daemon, Deno.listen({ hostname: "127.0.0.1", port: 0 }), port);
  }

  /** A repository's URL at git daemon itself: for measuring time. */
  url(name: string): string {
    return `git://127.0.0.1:${this.#port}/${name}`;
  }

  /** The same through the proxy: for measuring bytes. */
  countedUrl(name: string): string {
    return `git://127.0.0.1:${this.#proxy.addr.port}/${name}`;
  }

  /** Bytes sent through the proxy since the last call. */
  takeSent(): number {
    const sent = this.#sent;
    this.#sent = 0;
    return sent;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#proxy) void this.#forward(client);
  }

  async #forward(client: Deno.TcpConn): Promise<void> {
    try {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#port });
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          this.#sent += chunk.length;
          controller.enqueue(chunk);
        },
      });
      await Promise.all([
        client.readable.pipeTo(server.writable),
        server.readable.pipeThrough(count).pipeTo(client.writable),
      ]);
    } catch {
      // one of them hung up: the client's git says so where it matters
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#proxy.close();
    this.#daemon.kill("SIGTERM");
    await this.#daemon.status;
  }
}

/** A port that was free a moment ago: git daemon can't choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

async function answering(port: number, daemon: Deno.ChildProcess): Promise<void> {
  let ended = false;
  daemon.status.then(() => ended = true);
  const end = performance.now() + 10_000;
  while (!ended && performance.now() < end) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  throw new Error("git daemon does not answer");
}
