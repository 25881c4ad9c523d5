/**
 * git's C-style quoting (`quote.c`), used for option values and for reasons with line breaks.
 *
 * @module
 */
const ESCAPES: Readonly<Record<string, number>> = {
  a: 0x07,
  b: 0x08,
  t: 0x09,
  n: 0x0a,
  v: 0x0b,
  f: 0x0c,
  r: 0x0d,
  '"': 0x22,
  "\\": 0x5c,
};

/** `text` as it was before git quoted it; text that is not quoted is returned as it is. */
export function unquoteCStyle(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  const inner = text.slice(1, -1);
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part, escape] of inner.matchAll(/\\([0-3][0-7]{2}|.)|[^\\]+/gs)) {
    if (escape === undefined) bytes.push(...encoder.encode(part));
    else if (escape.length === 3) bytes.push(parseInt(escape, 8));
    else bytes.push(...(ESCAPES[escape] !== undefined ? [ESCAPES[escape]] : encoder.encode(part)));
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

/** `text` on one line that git reads back as the same text. */
export function quoteCStyle(text: string): string {
  if (!/^"|[\r\n]/.test(text)) return text;
  const quoted = text.replace(/[\\"]/g, "\\$&").replace(/\r/g, "\\r").replace(/\n/g, "\\n");
  return `"${quoted}"`;
}
