/**
 * Makes the completions for shells.
 *
 *     deno run -A scripts/completions.ts <folder> [git-remote-<network>...]
 *
 * @module
 */
import { dirname, join } from "node:path";
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

if (import.meta.main) {
  const [folder, ...programs] = Deno.args;
  if (folder === undefined) {
    console.error("completions: can't write them: the folder to write to is missing");
    Deno.exit(2);
  }
  for (const [name, script] of completions(programs)) {
    await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
    await Deno.writeTextFile(join(folder, name), script);
  }
}
