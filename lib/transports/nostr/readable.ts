/**
 * Others' words, made fit for a message to a person.
 *
 * @module
 */

/** `text` cut to `most` UTF-16 code units, without what could steer a terminal. */
export function readable(text: string, most: number): string {
  // deno-lint-ignore no-control-regex -- they are what is taken out
  return text.slice(0, most).replace(/[\x00-\x1f\x7f-\x9f]/g, "?");
}
