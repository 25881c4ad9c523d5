/**
 * The environment of programs that we start.
 *
 * @module
 */

/**
 * This process's environment, as far as it can be passed on: Deno refuses variables of the dynamic
 * linker (`LD_PRELOAD`, ...) unless this process may run any program.
 */
export function childEnvironment(): Record<string, string> {
  const all = Deno.env.toObject();
  if (Deno.permissions.querySync({ name: "run" }).state === "granted") return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/^(LD|DYLD)_/.test(name)));
}
