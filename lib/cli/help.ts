/**
 * Help texts, made from the table of verbs.
 *
 * @module
 */
import type { Verb } from "./verb.ts";
import { VERBS } from "./verbs.ts";

const WIDTH = 80;

/** What `gtr help` prints. */
export function overview(): string {
  return [
    "usage: gtr <verb> [options]",
    "       gtr <git command> ...    handed to git unchanged",
    "",
    "git without a server: share repositories and clone them with plain git.",
    "",
    ...columns(VERBS.map((verb) => [verb.name, verb.summary])),
    "",
    ...columns([
      ["-h, --help", "print this"],
      ["-V, --version", "print the version and the networks it knows"],
    ]),
    "",
    "gtr help <verb> explains one of them.",
    "",
  ].join("\n");
}

/** What `gtr help name` prints: the verbs of one group. */
export function groupHelp(verbs: readonly Verb[]): string {
  return [
    ...verbs.map((verb, i) => `${i === 0 ? "usage:" : "      "} ${synopsis(verb)}`),
    "",
    ...columns(verbs.map((verb) => [verb.name, verb.summary])),
    "",
  ].join("\n");
}

/** What `gtr help <verb>` and `gtr <verb> -h` print. */
export function verbHelp(verb: Verb): string {
  const options = [...verb.options, { form: "-h, --help", about: "print this" }];
  const capital = verb.summary[0]!.toUpperCase() + verb.summary.slice(1);
  return [
    `usage: ${synopsis(verb)}`,
    "",
    `${capital}.`,
    ...verb.details.flatMap((paragraph) => ["", ...wrap(paragraph, WIDTH)]),
    ...(verb.operands.length > 0 ? ["", ...columns(verb.operands.map(row))] : []),
    "",
    ...columns(options.map(row)),
    "",
    "examples:",
    ...columns(verb.examples.map((e) => [e.command, e.about])),
    "",
  ].join("\n");
}

/** "gtr share [--tags] [--no-tags] [--json] [branch...]" */
export function synopsis(verb: Verb): string {
  const options = verb.options.map((option) => `[${option.form.replace(/^-., /, "")}]`);
  return ["gtr", verb.name, ...options, ...verb.operands.map((o) => o.form)].join(" ");
}

function row({ form, about }: { form: string; about: string }): [string, string] {
  return [form, about];
}

/** Two indented columns; the second goes on the next line where the first is long. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(26, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, WIDTH - width - 4).map((line) => " ".repeat(width + 4) + line);
    if (left.length > width) return [`  ${left}`, ...lines];
    return [`  ${left.padEnd(width)}  ${lines[0]!.trimStart()}`, ...lines.slice(1)];
  });
}

function wrap(text: string, width: number): string[] {
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
