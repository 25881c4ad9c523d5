/**
 * Writing tar archives (POSIX.1-2001 ustar), the same bytes everywhere.
 *
 * @module
 */
import { ReleaseError } from "./error.ts";

/** One file in an archive: its content, or the path of the one it is a hard link to. */
export interface Member {
  readonly path: string;
  readonly mode: number;
  readonly content?: Uint8Array;
  readonly link?: string;
}

const BLOCK = 512;
const LONGEST_PATH = 100;

/** @param date of all files, in seconds since 1970 */
export function tar(members: readonly Member[], date: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const member of members) {
    const content = member.content ?? new Uint8Array();
    parts.push(header(member, content.length, date), content);
    parts.push(new Uint8Array(-content.length & (BLOCK - 1)));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function header(member: Member, size: number, date: number): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const text = (at: number, value: string, longest: number) => {
    const bytes = new TextEncoder().encode(value);
    if (bytes.length > longest) throw new ReleaseError(`can't pack ${value}: its path is too long`);
    block.set(bytes, at);
  };
  const octal = (at: number, value: number, digits: number) =>
    text(at, value.toString(8).padStart(digits, "0"), digits);
  text(0, member.path, LONGEST_PATH);
  octal(100, member.mode, 7);
  octal(108, 0, 7); // root
  octal(116, 0, 7);
  octal(124, size, 11);
  octal(136, date, 11);
  text(148, " ".repeat(8), 8); // the checksum counts as spaces
  text(156, member.link === undefined ? "0" : "1", 1);
  text(157, member.link ?? "", LONGEST_PATH);
  text(257, "ustar\0" + "00", 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(148, `${sum.toString(8).padStart(6, "0")}\0 `, 8);
  return block;
}
