/**
 * As much of XML as routers speak: elements with text in them. Nothing is expanded but the five
 * entities that need no declaration, so that a document can't grow while it is read.
 *
 * @module
 */

const MAX_ELEMENTS = 10_000;
const MAX_DEPTH = 64;
const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

/** An element that has no others in it. */
export interface Leaf {
  /** Its name and those of the elements around it, the outermost first, without prefixes. */
  readonly path: readonly string[];
  /** A number for the element around it: leaves with the same one are beside each other. */
  readonly parent: number;
  readonly text: string;
}

/**
 * All elements with nothing but text in them, in their order; undefined if it is not such XML: document
 * types, CDATA, elements that don't end, too many or too deep.
 */
export function leaves(xml: string): Leaf[] | undefined {
  const found: Leaf[] = [];
  const open: { readonly name: string; readonly id: number; isLeaf: boolean }[] = [];
  let count = 0;
  let text = "";
  for (let at = 0; at < xml.length;) {
    const start = xml.indexOf("<", at);
    if (start < 0) break;
    text += xml.slice(at, start);
    if (xml.startsWith("<!--", start)) {
      at = after(xml, "-->", start + 4);
      if (at === 0) return undefined;
      continue;
    }
    at = after(xml, ">", start);
    if (at === 0 || xml[start + 1] === "!") return undefined;
    if (xml[start + 1] === "?") continue;
    const isEnd = xml[start + 1] === "/";
    const isEmpty = xml[at - 2] === "/" && at - start > 2;
    const name = nameOf(xml.slice(start + (isEnd ? 2 : 1), at - (isEmpty ? 2 : 1)));
    if (name === undefined) return undefined;
    if (!isEnd) {
      if (++count > MAX_ELEMENTS || open.length >= MAX_DEPTH) return undefined;
      const around = open.at(-1);
      if (around) around.isLeaf = false;
      open.push({ name, id: count, isLeaf: true });
      text = "";
    }
    if (isEnd || isEmpty) {
      const last = open.at(-1);
      if (last?.name !== name) return undefined;
      if (last.isLeaf) {
        const path = open.map(({ name }) => name);
        found.push({ path, parent: open.at(-2)?.id ?? 0, text: decodeText(text.trim()) });
      }
      open.pop();
      text = "";
    }
  }
  return open.length === 0 && count > 0 ? found : undefined;
}

/** A text as it stands in an element. */
export function encodeText(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function decodeText(text: string): string {
  return text.replace(
    /&(?:([a-z]{2,4})|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (whole, name, ten, hex) => {
      if (name !== undefined) return ENTITIES[name] ?? whole;
      const code = ten === undefined ? parseInt(hex, 16) : Number(ten);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** The index behind the next `end`; 0 if there is none. */
function after(xml: string, end: string, from: number): number {
  const at = xml.indexOf(end, from);
  return at < 0 ? 0 : at + end.length;
}

/** "Envelope" of "s:Envelope xmlns:s=...". */
function nameOf(tag: string): string | undefined {
  return /^(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?=\s|$)/.exec(tag)?.[1];
}
