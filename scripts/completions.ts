/**
 * The completions for shells; `scripts/build.ts` writes them into `dist/share`.
 *
 * @module
 */
import { bashCompletion } from "./completions/bash.ts";
import { fishCompletion } from "./completions/fish.ts";
import { zshCompletion } from "./completions/zsh.ts";

/**
 * All completions, by their paths below `share/`.
 *
 * @param programs the executables there are: their networks' addresses are completed
 */
export function completions(programs: readonly string[]): Map<string, string> {
  const schemes = programs.flatMap((name) => /^git-remote-(.+)$/.exec(name)?.[1] ?? []);
  return new Map([
    ...["gtr", "gti"].flatMap((name): [string, string][] => [
      [`bash-completion/completions/${name}`, bashCompletion(schemes)],
      [`fish/vendor_completions.d/${name}.fish`, fishCompletion(name, schemes)],
    ]),
    ["zsh/site-functions/_gtr", zshCompletion(schemes)],
  ]);
}
