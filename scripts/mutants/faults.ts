/**
 * The faults that are put into the code, one at a time, and their order.
 *
 * @module
 */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { PLUGIN, RULE } from "./faults_plugin.ts";

/** One small change that should make a test fail. */
export interface Fault {
  /** Relative to the project's folder. */
  readonly file: string;
  /** Characters of the file that are replaced. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Which mistake it is: "inverted condition". */
  readonly kind: string;
}

/**
 * All faults that fit into some files, in the order of their places.
 *
 * @param root the project's folder
 * @param files relative to it
 */
export async function faultsIn(root: string, files: readonly string[]): Promise<Fault[]> {
  const folder = await Deno.makeTempDir({ prefix: "gtr-mutants-" });
  try {
    const config = join(folder, "deno.json");
    const plugins = [join(import.meta.dirname!, "faults_plugin.ts")];
    const rules = { tags: [], include: [`${PLUGIN}/${RULE}`] };
    await Deno.writeTextFile(config, JSON.stringify({ lint: { plugins, rules } }));
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["lint", "--config", config, "--json", ...files],
      cwd: root,
      stderr: "null",
    }).output();
    const { diagnostics, errors } = JSON.parse(new TextDecoder().decode(stdout));
    if (errors.length > 0) throw new Error(`can't parse ${errors[0].file_path}`);
    const found = diagnostics.map(
      ({ filename, message }: { filename: string; message: string }) => {
        const [kind, start, end, replacement] = JSON.parse(message);
        return { file: relative(root, fileURLToPath(filename)), kind, start, end, replacement };
      },
    );
    return found.sort((a: Fault, b: Fault) =>
      a.file < b.file ? -1 : a.file > b.file ? 1 : a.start - b.start
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The same faults, shuffled, so that kinds take turns: else most would be of the commonest. */
export function shuffled(faults: readonly Fault[], seed: number): Fault[] {
  const random = xorshift(seed);
  const byKind = new Map<string, Fault[]>();
  for (const fault of faults) {
    const same = byKind.get(fault.kind) ?? [];
    same.splice(Math.floor(random() * (same.length + 1)), 0, fault);
    byKind.set(fault.kind, same);
  }
  return inTurn([...byKind.values()]);
}

/** The first of each list, then the second of each, and so on. */
export function inTurn<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1)))
    .flat();
}

/** Numbers from 0 to below 1, the same ones for the same seed. */
function xorshift(seed: number): () => number {
  let state = (seed * 2654435761 + 88172645) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

/** A file's text with a fault in it. */
export function mutated(text: string, { start, end, replacement }: Fault): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

/** For a person: where it is, which mistake, and the lines before and after. */
export function describe(text: string, fault: Fault): string {
  const first = text.lastIndexOf("\n", fault.start - 1) + 1;
  const line = text.slice(0, fault.start).split("\n").length;
  const after = text.slice(fault.end).split("\n", 1)[0];
  const before = text.slice(first, fault.end) + after;
  const faulty = text.slice(first, fault.start) + fault.replacement + after;
  const indent = (lines: string, mark: string) =>
    lines.split("\n").map((line) => `    ${mark} ${line.trim()}`).join("\n");
  return `${fault.file}:${line}  ${fault.kind}\n${indent(before, "-")}\n${indent(faulty, "+")}`;
}
