/**
 * How results are printed: JSON for programs, aligned plain text for people, nothing else on stdout.
 *
 * @module
 */
import { printable } from "../common/printable.ts";
import type { Io } from "./io.ts";

/** Prints one line of JSON. */
export function printJson(io: Io, value: unknown): void {
  io.stdout(JSON.stringify(value) + "\n");
}

/** A cell that is so much longer than most of its column, or than this, is not made room for. */
const LONGER = 24;
const LONG = 72;

/**
 * Prints rows under headings, in columns two spaces apart; numbers are aligned to the right. A cell
 * that is much longer than the others of its column pushes its own row only.
 */
export function printTable(
  io: Io,
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[],
): void {
  const texts = [headings, ...rows].map((row) => row.map((cell) => printable(String(cell))));
  const widths = headings.map((heading, i) =>
    columnWidth(heading, texts.slice(1).map((row) => row[i]!.length))
  );
  const right = headings.map((_, i) => rows.length > 0 && typeof rows[0]![i] === "number");
  for (const row of texts) {
    const cells = row.map((cell, i) =>
      right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)
    );
    io.stdout(cells.join("  ").trimEnd() + "\n");
  }
}

function columnWidth(heading: string, lengths: readonly number[]): number {
  const half = lengths.toSorted((a, b) => a - b)[(lengths.length - 1) >> 1] ?? 0;
  const most = Math.min(LONG, half + LONGER);
  return lengths.reduce((width, n) => n <= most && n > width ? n : width, heading.length);
}

/** Tells a person what was done; never mixed with data. */
export function note(io: Io, text: string): void {
  io.stderr(`${printable(text)}\n`);
}

/** "512 bytes", "12.40 MiB": git's own way. */
export function formatBytes(bytes: number): string {
  const units = ["KiB", "MiB", "GiB", "TiB"];
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(2)} ${units[power - 1]}`;
}

/** "42 s", "3 min", "5 h", "2 days" */
export function formatDuration(seconds: number): string {
  const s = Math.floor(seconds);
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h`;
  return `${Math.floor(s / 86_400)} days`;
}
