/**
 * A process that is driven by lines of JSON: each line on its stdin is a call, `{"number", "call", ...}`;
 * each on its stdout what that gave, `{"number", ...}` or `{"number", "error"}`. It ends with its stdin.
 *
 * @module
 */

/** How to run it. */
export interface LineProgram {
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Waiting<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

const DEADLINE_MS = 120_000;

/** Disposing of it ends the process. */
export class LinePeer<Answer> implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #waiting = new Map<number, Waiting<Answer>>();
  readonly #reading: Promise<void>;
  #calls = 0;

  constructor({ command: [program, ...args], env }: LineProgram) {
    this.#child = new Deno.Command(program!, {
      args,
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Has the process do something; rejects where that fails, or takes longer than two minutes. */
  call(call: string, options: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const number = ++this.#calls;
    const line = JSON.stringify({ ...options, number, call }) + "\n";
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#settle(number, new Error(`waited ${DEADLINE_MS} ms for "${call}": no answer`)),
        DEADLINE_MS,
      );
      this.#waiting.set(number, { resolve, reject, timer });
      this.#input.write(new TextEncoder().encode(line)).catch((error) =>
        this.#settle(number, error)
      );
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {}); // it may have ended already
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const { number, error, ...answer } = JSON.parse(line);
        this.#settle(number, error ? new Error(error) : answer as Answer);
      }
    }
    for (const number of this.#waiting.keys()) {
      this.#settle(number, new Error("the peer has ended"));
    }
  }

  #settle(number: number, result: Answer | Error): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    clearTimeout(waiting?.timer);
    if (result instanceof Error) waiting?.reject(result);
    else waiting?.resolve(result);
  }
}
