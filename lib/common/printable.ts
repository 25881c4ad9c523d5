/**
 * What strangers wrote, on a person's terminal.
 *
 * @module
 */

/** The text without control characters, which could steer the terminal; lines stay lines. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- they are what is looked for
  return text.replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, "?");
}

/** The same on one line, cut to `most` UTF-16 code units. */
export function printableLine(text: string, most = Infinity): string {
  return printable(text.slice(0, most)).replaceAll("\n", "?");
}
