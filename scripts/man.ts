/**
 * The manual pages; `scripts/build.ts` writes them into `dist/share`.
 *
 * @module
 */
import { networkOf } from "./build/networks.ts";
import { gtdPage, gtrPage, helperPage } from "./man/pages.ts";

/**
 * All pages, by file name. gti and each helper have one that refers to another.
 *
 * @param programs the executables there are
 */
export function manPages(programs: readonly string[]): Map<string, string> {
  const schemes = programs.flatMap((name) => networkOf(name) ?? []);
  return new Map([
    ["gtr.1", gtrPage(schemes)],
    ["gti.1", ".so man1/gtr.1\n"],
    ["gtd.1", gtdPage()],
    ["git-remote-gtr.1", helperPage(schemes)],
    ...schemes.map((scheme): [string, string] => [
      `git-remote-${scheme}.1`,
      ".so man1/git-remote-gtr.1\n",
    ]),
  ]);
}
