/**
 * How programs are described, and the text that their `--help` prints. Manual pages are made from
 * the same descriptions.
 *
 * @module
 */

/** A term and what it stands for: an option, an operand, a file. */
export interface Described {
  readonly form: string;
  readonly about: string;
}

/** One executable. */
export interface ProgramUsage {
  readonly name: string;
  /** One line, starting with a lower-case word, as in the manual's NAME. */
  readonly summary: string;
  /** What may follow the name, one form each: "<remote> <address>"; "" for nothing. */
  readonly forms: readonly string[];
  /** Paragraphs. */
  readonly details: readonly string[];
  readonly options: readonly Described[];
  readonly exits: readonly Described[];
}

/** Options that every program has. */
export const HELP_OPTION: Described = { form: "-h, --help", about: "print this" };
export const VERSION_OPTION: Described = { form: "-V, --version", about: "print the version" };

const WIDTH = 80;

/** "usage: gtd [options]" and further lines for further forms. */
export function usageLines({ name, forms }: ProgramUsage): string[] {
  return forms.map((form, i) => `${i === 0 ? "usage:" : "      "} ${name} ${form}`.trimEnd());
}

/** What a program's `--help` prints. */
export function usageText(program: ProgramUsage): string {
  return [
    ...usageLines(program),
    "",
    `${program.summary}.`,
    ...program.details.flatMap((paragraph) => ["", ...wrap(paragraph)]),
    "",
    ...columns(program.options),
    "",
  ].join("\n");
}

/** Two indented columns; the second goes on the next line where the first is long. */
export function columns(rows: readonly Described[]): string[] {
  const width = Math.min(26, Math.max(...rows.map(({ form }) => form.length)));
  return rows.flatMap(({ form, about }) => {
    const lines = wrap(about, WIDTH - width - 4).map((line) => " ".repeat(width + 4) + line);
    if (form.length > width) return [`  ${form}`, ...lines];
    return [`  ${form.padEnd(width)}  ${lines[0]!.trimStart()}`, ...lines.slice(1)];
  });
}

/** The text as lines of at most `width` characters, unless a word is longer. */
export function wrap(text: string, width = WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** The text with its first letter in upper case. */
export function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
