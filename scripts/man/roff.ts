/**
 * Writing manual pages in man(7).
 *
 * @module
 */
import { type Described, wrap } from "../../lib/common/usage.ts";

/** Short enough that escapes leave the lines of the source below 80 characters. */
const WIDTH = 68;

/** Text that roff sets as it is: no macros, hyphens that can be copied, straight quotes. */
export function text(plain: string): string {
  return wrap(plain, WIDTH).join("\n")
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("~", "\\(ti")
    .replaceAll("^", "\\(ha")
    .replace(/^\./gm, "\\&.");
}

/** Bold: what is typed as it stands. */
export function bold(plain: string): string {
  return `\\fB${text(plain)}\\fP`;
}

/**
 * A form in commander's notation: what is typed as it stands in bold, what stands for something in
 * italics: "\fB\-\-name\fP \fI<name>\fP".
 */
export function form(plain: string): string {
  return plain.split(/(<[^>]*>|\[[^\]]*\])/).map((part) =>
    part === "" ? "" : /^[<[]/.test(part) ? `\\fI${text(part)}\\fP` : boldWords(part)
  ).join("");
}

function boldWords(part: string): string {
  return part.replace(/\S+(?: +\S+)*/, (words) => bold(words));
}

/** A section and what is in it. */
export function section(title: string, ...body: readonly string[]): string {
  return [`.SH ${title}`, ...body].join("\n");
}

/** A part of a section. */
export function subsection(title: string, ...body: readonly string[]): string {
  return [`.SS "${text(title)}"`, ...body].join("\n");
}

/** Paragraphs, the first without a gap above. */
export function paragraphs(plain: readonly string[]): string[] {
  return plain.flatMap((paragraph, i) => i === 0 ? [text(paragraph)] : [".PP", text(paragraph)]);
}

/** Terms with their explanations. */
export function terms(rows: readonly Described[], tag: (form: string) => string = form): string[] {
  return rows.flatMap((row) => [".TP", tag(row.form), text(row.about)]);
}

/** Command lines, each with what it does. */
export function examples(rows: readonly Described[]): string[] {
  return rows.flatMap((row) => [".TP", bold(row.form), text(row.about)]);
}

/** A whole page. */
export function page(
  name: string,
  summary: string,
  version: string,
  sections: readonly string[],
): string {
  return [
    `.TH ${name.toUpperCase()} 1 "" "gtr ${version}" "gtr manual"`,
    '.\\" Made by scripts/man.ts from the texts of --help.',
    section("NAME", `${text(name)} \\- ${text(summary)}`),
    ...sections,
    "",
  ].join("\n");
}
