/**
 * The executables of a build of bundles: shell scripts that start a bundle with the Deno beside it.
 *
 * @module
 */
import { PERMISSIONS, type Program } from "./programs.ts";

/**
 * Before the first line of a program, Deno reads and looks through all files that it may import at
 * some time; with this it reads each when it is imported. Not so the daemon: it may outlive the files
 * that it was started from.
 */
const lazyImports = ({ name }: Program) =>
  name === "gtd" ? [] : ["--unstable-lazy-dynamic-imports"];

/**
 * The text of a launcher. It finds its files relative to itself, through symbolic links too, so that
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
  ${[...lazyImports(program), ...PERMISSIONS, ...program.flags].join(" ")} "$run" \\
  "$lib/${folder}/${program.name}.js" "$@"
`;
}
