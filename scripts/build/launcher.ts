/**
 * The executables in `dist/bin`: shell scripts that start a bundle with the Deno beside it.
 *
 * @module
 */
import type { Program } from "./programs.ts";

/**
 * The text of a launcher. It finds its files relative to itself, through symbolic links too, so that
 * the folder can be moved or linked to from anywhere.
 *
 * @param version of the whole project
 * @param folder of the bundles, inside `lib/gtr`
 * @param ours names of all executables that are built
 */
export function launcher(
  program: Program,
  version: string,
  folder: string,
  ours: ReadonlySet<string>,
): string {
  const runs = program.runs.map((name) => ours.has(name) ? `$bin/${name}` : name).join(",");
  // Reading and writing can't be narrowed: repositories are wherever the user has them. Nor can the
  // network: peers are anywhere. The whole environment is read to pass it on to git without GIT_*.
  return `#!/bin/sh
# ${program.name} ${version}
self=$0
case $self in */*) ;; *) self=./$self ;; esac
while [ -h "$self" ]; do
  link=$(readlink "$self")
  case $link in /*) self=$link ;; *) self=\${self%/*}/$link ;; esac
done
bin=$(CDPATH= cd -P -- "\${self%/*}" && pwd -P) || exit 1
lib=\${bin%/*}/lib/gtr
case $bin in *,*) # Deno separates permitted programs by commas
  echo "${program.name}: can't run from $bin: its name has a comma" >&2
  exit 1 ;;
esac
run=--allow-run=${runs}
case $(export -p) in *' LD_'* | *' DYLD_'*) # Deno passes these on only where it may run anything
  run=--allow-run ;;
esac
GTR_BIN=$bin DENO_NO_UPDATE_CHECK=1
export GTR_BIN DENO_NO_UPDATE_CHECK
exec "$lib/deno" run --quiet --no-config --no-lock --cached-only --no-remote --no-npm --no-prompt \\
  --allow-read --allow-write --allow-net --allow-env --allow-sys=networkInterfaces,uid \\
  ${program.flags.map((flag) => `${flag} `).join("")}"$run" "$lib/${folder}/${program.name}.js" "$@"
`;
}
