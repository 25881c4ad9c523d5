/**
 * Where to install: PREFIX and DESTDIR.
 *
 * @module
 */
import { isAbsolute, join, normalize, resolve } from "node:path";
import { InstallError } from "./error.ts";

/** The place of an installation. */
export interface Target {
  /** Where the programs will find their files. */
  readonly prefix: string;
  /** Where the files are put: DESTDIR and then the prefix. */
  readonly base: string;
  /** Whether the files are packed, and not used here. */
  readonly staged: boolean;
}

/**
 * Reads PREFIX (by default `~/.local`) and DESTDIR (by default none).
 *
 * @throws {InstallError} where programs couldn't run from there
 */
export function findTarget(env: (name: string) => string | undefined): Target {
  const home = env("HOME");
  const chosen = env("PREFIX") || (home && join(home, ".local"));
  if (!chosen) throw new InstallError("can't tell where to install: no HOME (set PREFIX)");
  const wrong = (why: string) => new InstallError(`can't install to PREFIX=${chosen}: ${why}`);
  if (!isAbsolute(chosen)) {
    const meant = home && chosen.startsWith("~/") ? join(home, chosen.slice(2)) : resolve(chosen);
    throw wrong(`it has to be an absolute path (PREFIX=${meant})`);
  }
  // deno-lint-ignore no-control-regex -- they are what is looked for
  if (/[\x00-\x1f\x7f]/.test(chosen)) throw wrong("its name has a control character");
  const prefix = normalize(chosen).replace(/(?<=.)\/$/, "");
  const destination = env("DESTDIR");
  return {
    prefix,
    base: destination ? join(resolve(destination), prefix) : prefix,
    staged: Boolean(destination),
  };
}
