/**
 * Which published versions of git let a hostile repository run code while it is cloned.
 *
 * @module
 */

/** One hole, and the first version of each maintained series that has none of it. */
interface Hole {
  readonly cve: string;
  readonly fixed: readonly string[];
}

const HOLES: readonly Hole[] = [
  // Submodules and symbolic links: code runs during clone --recurse-submodules.
  {
    cve: "CVE-2024-32002",
    fixed: ["2.39.4", "2.40.2", "2.41.1", "2.42.2", "2.43.4", "2.44.1", "2.45.1"],
  },
  // Carriage returns in submodule paths: code runs during clone --recurse-submodules.
  {
    cve: "CVE-2025-48384",
    fixed: [
      ...["2.43.7", "2.44.4", "2.45.4", "2.46.4", "2.47.3", "2.48.2", "2.49.1", "2.50.1"],
    ],
  },
];

/**
 * The holes that a released version of git has. A distribution may have mended them without changing
 * the number.
 *
 * @param version for example "2.39.5"
 * @returns CVE numbers, the oldest first
 */
export function knownHoles(version: string): string[] {
  return HOLES.filter(({ fixed }) => !isFixed(version, fixed)).map(({ cve }) => cve);
}

function isFixed(version: string, fixed: readonly string[]): boolean {
  const isSince = (least: string) => compare(version, least) >= 0;
  const series = fixed.find((least) => seriesOf(least) === seriesOf(version));
  return isSince(series ?? fixed.at(-1)!);
}

function seriesOf(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}

function compare(a: string, b: string): number {
  const [x, y] = [a, b].map((version) => version.split(".").map(Number)) as [number[], number[]];
  for (let i = 0; i < 3; i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
