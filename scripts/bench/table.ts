/**
 * What `make bench` prints: a Markdown table, the same as in docs/performance.md.
 *
 * @module
 */

/** One measure. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  /** What it is compared with, and its figure. */
  readonly reference?: string;
  readonly ratio?: number;
  readonly goal?: string;
  readonly met?: boolean;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** "0.42 s" or "38 ms" */
export function time(ms: number): string {
  return ms < 100 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`;
}

/** "1.3 MB" or "12.4 kB" */
export function bytes(n: number): string {
  return n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
}

/** The medians of two series of measurements, and how the first compares with the second. */
export function compare(
  what: string,
  format: (value: number) => string,
  ours: readonly number[],
  reference: readonly number[],
  name: string,
  goal?: { readonly atMost: number } | { readonly atLeast: number },
): Row {
  const [a, b] = [median(ours), median(reference)];
  const ratio = a / b;
  const row = {
    what,
    ours: `${format(a)}${spread(ours, format)}`,
    reference: `${name} ${format(b)}${spread(reference, format)}`,
    ratio,
  };
  if (!goal) return row;
  const met = "atMost" in goal ? ratio <= goal.atMost : ratio >= goal.atLeast;
  const sign = "atMost" in goal ? `<= ${goal.atMost}x` : `>= ${goal.atLeast}x`;
  return { ...row, goal: sign, met };
}

/** The median of a series, and the most that it should be. */
export function absolute(
  what: string,
  format: (value: number) => string,
  values: readonly number[],
  atMost?: number,
): Row {
  const ours = `${format(median(values))}${spread(values, format)}`;
  if (atMost === undefined) return { what, ours };
  return { what, ours, goal: `<= ${format(atMost)}`, met: median(values) <= atMost };
}

function spread(values: readonly number[], format: (value: number) => string): string {
  if (values.length < 2) return "";
  return ` (${format(Math.min(...values))} - ${format(Math.max(...values))})`;
}

export function table(rows: readonly Row[]): string {
  const cells = [
    ["measure", "gtr", "reference", "ratio", "goal", ""],
    ...rows.map((row) => [
      row.what,
      row.ours,
      row.reference ?? "",
      row.ratio === undefined ? "" : `${row.ratio.toFixed(2)}x`,
      row.goal ?? "",
      row.met === undefined ? "" : row.met ? "met" : "missed",
    ]),
  ];
  const widths = cells[0]!.map((_, i) => Math.max(3, ...cells.map((row) => row[i]!.length)));
  const lines = cells.map((row) => `| ${row.map((c, i) => c.padEnd(widths[i]!)).join(" | ")} |`);
  return [lines[0], `| ${widths.map((w) => "-".repeat(w)).join(" | ")} |`, ...lines.slice(1)]
    .join("\n");
}
