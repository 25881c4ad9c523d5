/**
 * Drives {@link ./hyperdht_peer.mjs}.
 *
 * @module
 */
import { join } from "node:path";

const ROOT = join(import.meta.dirname!, "..", "..");
const SCRIPT = join(import.meta.dirname!, "hyperdht_peer.mjs");
const DEADLINE_MS = 120_000;

/** What the peer answers; which of these, depends on the call. */
export interface Answer {
  readonly bootstrap: readonly { readonly host: string; readonly port: number }[];
  readonly relay: string;
  readonly key: string;
  readonly ms: number;
  readonly received: number;
  readonly remoteHost: string;
  readonly bytes: number;
  readonly word: string;
  readonly core: string;
}

/** How to start one. */
export interface PeerOptions {
  /** Where the native stack is, for Node; without, it is ours. */
  readonly native?: string;
  /** The network namespace to run in; without, it is this process' own. */
  readonly namespace?: string;
  /** Ours, without native addons and FFI. */
  readonly withoutAddons?: boolean;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A process with HyperDHT; disposing of it ends it. */
export class HyperPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reading: Promise<void>;
  #calls = 0;

  constructor({ native, namespace, withoutAddons }: PeerOptions) {
    const allowed = withoutAddons
      ? ["--allow-read", "--allow-env", "--allow-net", "--allow-sys", "--no-prompt"]
      : ["-A"];
    const config = ["--frozen", "--no-check", "--config", join(ROOT, "deno.json")];
    const program = native
      ? ["node", SCRIPT, native]
      : [Deno.execPath(), "run", ...allowed, ...config, SCRIPT];
    const [command, ...args] = namespace ? ["ip", "netns", "exec", namespace, ...program] : program;
    this.#child = new Deno.Command(command!, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      signal: AbortSignal.timeout(DEADLINE_MS),
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Has the peer do something. */
  async call(call: string, options: Record<string, unknown> = {}): Promise<Answer> {
    const id = ++this.#calls;
    const answer = new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    const line = JSON.stringify({ id, call, ...options }) + "\n";
    await this.#input.write(new TextEncoder().encode(line));
    return await answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#settle(JSON.parse(line));
    }
    for (const { reject } of this.#waiting.values()) reject(new Error("the peer has ended"));
  }

  #settle({ id, error, ...answer }: Answer & { id: number; error?: string }): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }
}
