/**
 * Drives {@link ./udx_peer.mjs}: an end of UDX streams in a process of its own.
 *
 * @module
 */
import { join } from "node:path";

const SCRIPT = join(import.meta.dirname!, "udx_peer.mjs");
const ROOT = join(import.meta.dirname!, "..", "..");
const DEADLINE_MS = 120_000;

/** What the peer answers; which of these, depends on the call. */
export interface Answer {
  readonly port: number;
  readonly bytes: number;
  readonly sha1: string;
  readonly ms: number;
  readonly text: string;
  readonly reason: string | null;
  readonly flushed: boolean;
  readonly mtu: number;
  readonly rtt: number;
  readonly retransmits: number;
  readonly remotePort: number;
  readonly rss: number;
}

/** How to start one. */
export interface PeerOptions {
  /** Where udx-native is; without, it is ours. */
  readonly native?: string;
  /** "dgram": ours, without the faster back-end. */
  readonly backend?: string;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** A process with a UDX; disposing of it ends it. */
export class UdxPeer implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #reading: Promise<void>;
  #calls = 0;

  constructor({ native, backend }: PeerOptions = {}) {
    const program = native
      ? ["node", SCRIPT, native]
      : [Deno.execPath(), "run", "-A", "--no-lock", "--config", join(ROOT, "deno.json"), SCRIPT];
    const [command, ...args] = program;
    this.#child = new Deno.Command(command!, {
      args,
      env: { UDX_BACKEND: backend ?? "" },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Calls an action of the peer; rejects where that fails, or takes longer than two minutes. */
  call(name: string, args: Record<string, unknown> = {}): Promise<Answer> {
    const call = ++this.#calls;
    const line = JSON.stringify({ ...args, call, do: name }) + "\n";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => fail(new Error(`waited ${DEADLINE_MS} ms for "${name}": no answer`)),
        DEADLINE_MS,
      );
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(call);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      this.#waiting.set(call, {
        resolve: (answer) => {
          settle();
          resolve(answer);
        },
        reject: fail,
      });
      this.#input.write(new TextEncoder().encode(line)).catch(fail);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it ends with its input
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#answer(JSON.parse(line));
    }
    for (const { reject } of this.#waiting.values()) reject(new Error("the peer is gone"));
  }

  #answer({ call, error, ...answer }: Answer & { call: number; error?: string | null }): void {
    const waiting = this.#waiting.get(call);
    if (error) waiting?.reject(new Error(error));
    else waiting?.resolve(answer);
  }
}
