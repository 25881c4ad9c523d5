/**
 * Asking for what nobody may see.
 *
 * @module
 */
import { UsageError } from "../common/errors.ts";
import { abortable, deadline } from "../common/wait.ts";

/** Asks for one line; undefined where there is nobody to ask. */
export type AskSecret = (question: string, signal: AbortSignal) => Promise<string | undefined>;

/** How long a person may think, in milliseconds. */
const PATIENCE_MS = 300_000;
const MAX_LINE = 4096;
const [NEWLINE, RETURN, BACKSPACE, DELETE, END] = [10, 13, 8, 127, 4];

/**
 * What asks on stdin: a person at a terminal, who sees the questions and not the answers; or else the
 * lines of a pipe.
 */
export function secretsFromStdin(): AskSecret {
  const isTerminal = Deno.stdin.isTerminal();
  return async (question, parent) => {
    using limit = deadline(PATIENCE_MS, "an answer at the terminal", parent);
    if (!isTerminal) return await abortable(readLine(Deno.stdin), limit.signal);
    Deno.stdin.setRaw(true, { cbreak: true }); // Ctrl-C goes on to work
    try {
      Deno.stderr.writeSync(new TextEncoder().encode(question));
      return await abortable(readLine(Deno.stdin), limit.signal);
    } finally {
      Deno.stdin.setRaw(false);
      Deno.stderr.writeSync(new TextEncoder().encode("\n"));
    }
  };
}

/** Reads no further than the line, byte by byte: what follows is the next question's. */
async function readLine(input: Pick<Deno.FsFile, "read">): Promise<string | undefined> {
  const line: number[] = [];
  const byte = new Uint8Array(1);
  while (await input.read(byte) !== null && byte[0] !== END) {
    if (byte[0] === NEWLINE || byte[0] === RETURN) return text(line);
    if (byte[0] === BACKSPACE || byte[0] === DELETE) line.pop();
    else line.push(byte[0]!);
    if (line.length > MAX_LINE) {
      throw new UsageError(
        "usage",
        `can't use what was entered: it is longer than ${MAX_LINE} bytes`,
      );
    }
  }
  return line.length === 0 ? undefined : text(line);
}

function text(line: readonly number[]): string {
  return new TextDecoder().decode(Uint8Array.from(line));
}
