/**
 * What an executable consists of: found in what the bundler wrote.
 *
 * @module
 */

import { addonsIn } from "./addons.ts";

/** One executable's parts. */
export interface Parts {
  /** Its files in the bundle, native addons included. */
  readonly files: readonly string[];
  /** The project's modules in them, relative to its root. */
  readonly modules: readonly string[];
  /** The npm packages in them: "bencode@4.0.1". */
  readonly packages: readonly string[];
}

/** Executables' parts by their names. */
export type Contents = Readonly<Record<string, Parts>>;

/**
 * Lists what each program imports, lazily or not.
 *
 * @param files a bundle's files by name, with the comments by which the bundler names each module
 * @param addons the native addons that are beside them
 */
export function contentsOf(
  files: ReadonlyMap<string, string>,
  programs: readonly string[],
  addons: readonly string[] = [],
): Contents {
  const parts = new Map([...files].map(([name, code]) => [name, readParts(code)]));
  return Object.fromEntries(programs.map((program) => {
    const reached = new Set([`${program}.js`]);
    for (const name of reached) parts.get(name)?.imports.forEach((found) => reached.add(found));
    const of = [...reached].map((name) => parts.get(name)!);
    return [program, {
      files: sorted([
        ...reached,
        ...[...reached].flatMap((name) => addonsIn(files.get(name)!)).filter((name) =>
          addons.includes(name)
        ),
      ]),
      modules: sorted(of.flatMap((part) => part.modules)),
      packages: sorted(of.flatMap((part) => part.packages)),
    }];
  }));
}

/** What one file imports from the others, and what it is made from. */
function readParts(code: string): { imports: string[]; modules: string[]; packages: string[] } {
  const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*"\.\/([^"/]+\.js)"/g)]
    .map((match) => match[1]!);
  const sources = [...code.matchAll(/^\/\/ (\S.*\.(?:[cm]?[jt]sx?|json|wasm))$/gm)]
    .map((match) => match[1]!.replaceAll("\\", "/"));
  const packages = sources.flatMap((path) => packageOf(path) ?? []);
  return { imports, modules: sources.filter((path) => !packageOf(path)), packages };
}

/** "bencode@4.0.1" for `.../npm/registry.npmjs.org/bencode/4.0.1/index.js`. */
function packageOf(path: string): string | undefined {
  const found = /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/@]+)\/([^/]+)\//.exec(path);
  return found ? `${found[1]}@${found[2]}` : undefined;
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
