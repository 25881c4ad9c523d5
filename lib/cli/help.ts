/**
 * Help texts, made from the declarations of verbs.
 *
 * @module
 */
import {
  capitalized,
  columns,
  type Described,
  HELP_OPTION,
  usageLines,
  wrap,
} from "../common/usage.ts";
import type { NamedUsage } from "../common/verb.ts";
import { GTR_USAGE } from "./usage.ts";

/** What `gtr help` prints. */
export function overview(verbs: readonly NamedUsage[]): string {
  return [
    ...usageLines(GTR_USAGE),
    "",
    `${GTR_USAGE.summary}.`,
    "",
    ...columns(verbs.map(nameAndSummary)),
    "",
    ...columns(GTR_USAGE.options),
    "",
    "gtr help <verb> explains one of them.",
    "",
  ].join("\n");
}

/** What `gtr help name` prints: the verbs of one group. */
export function groupHelp(verbs: readonly NamedUsage[]): string {
  return [
    ...verbs.map((verb, i) => `${i === 0 ? "usage:" : "      "} ${synopsis(verb)}`),
    "",
    ...columns(verbs.map(nameAndSummary)),
    "",
  ].join("\n");
}

/** What `gtr help <verb>` and `gtr <verb> -h` print. */
export function verbHelp(verb: NamedUsage): string {
  return [
    ...usage(verb),
    "",
    `${capitalized(verb.summary)}.`,
    ...verb.details.flatMap((paragraph) => ["", ...wrap(paragraph)]),
    ...(verb.operands.length > 0 ? ["", ...columns(verb.operands)] : []),
    "",
    ...columns([...verb.options, HELP_OPTION]),
    "",
    "examples:",
    ...columns(verb.examples.map(({ command, about }) => ({ form: command, about }))),
    "",
  ].join("\n");
}

/** "gtr share [--tags] [--no-tags] [--json] [branch...]" */
export function synopsis(verb: NamedUsage): string {
  const options = verb.options.map((option) => `[${option.form.replace(/^-., /, "")}]`);
  return ["gtr", verb.name, ...options, ...verb.operands.map((o) => o.form)].join(" ");
}

/** Its lines are broken between options, never within one. */
function usage(verb: NamedUsage): string[] {
  const words = synopsis(verb).replace(/\[[^\]]*\]/g, (option) => option.replaceAll(" ", "\xa0"));
  const start = "usage: ";
  const lines = wrap(words, 80 - start.length).map((line) => line.replaceAll("\xa0", " "));
  return lines.map((line, i) => (i === 0 ? start : " ".repeat(start.length)) + line);
}

function nameAndSummary({ name, summary }: NamedUsage): Described {
  return { form: name, about: summary };
}
