/**
 * The executables of a build of bundles: shell scripts that start a bundle with the Deno beside it.
 *
 * @module
 */
import { PERMISSIONS, type Program } from "./programs.ts";

/**
 * The text of a launcher. Deno would read and look through all files that a program may import at
 * some time before it runs the first line; so it reads each when it is imported. The script finds its files relative to itself, through symbolic links too, so that
 * the folder can be moved or linked to from anywhere.
 *
 * @param version of the whole project
 * @param folder of the bundles, inside `lib/gtr`
 */
export function launcher(program: Program, version: string, folder: string): string {
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
run=--allow-run=${program.runs.join(",")}
case $(export -p) in *' LD_'* | *' DYLD_'*) # Deno passes these on only where it may run anything
  run=--allow-run ;;
esac
DENO_NO_UPDATE_CHECK=1
export DENO_NO_UPDATE_CHECK
exec "$lib/deno" run --quiet --no-config --no-lock --cached-only --no-remote --no-npm --no-prompt \\
  --unstable-lazy-dynamic-imports ${[...PERMISSIONS, ...program.flags].join(" ")} "$run" \\
  "$lib/${folder}/${program.name}.js" "$@"
`;
}
