/**
 * Names for a bundle's files that depend on nothing but the sources.
 *
 * @module
 */

const IMPORT = /(\b(?:from|import)\s*\(?\s*"\.\/)([^"/]+\.js)"/g;

/**
 * Gives the files that programs share numbers instead of hashes: those cover the paths of the
 * packages on the machine that builds.
 *
 * @param files a bundle's files by name
 * @param programs the names of its programs, whose files keep their names
 */
export function numberFiles(
  files: ReadonlyMap<string, string>,
  programs: readonly string[],
): Map<string, string> {
  const named = new Map(programs.map((program) => [`${program}.js`, `${program}.js`]));
  for (const name of named.keys()) { // in the order in which they are reached, which grows meanwhile
    for (const [, , imported] of (files.get(name) ?? "").matchAll(IMPORT)) {
      if (named.has(imported!) || !files.has(imported!)) continue;
      const stem = imported!.replace(/-[0-9A-Z]{8}\.js$/, "");
      named.set(imported!, `${stem}-${named.size}.js`);
    }
  }
  const rename = (code: string) =>
    code.replaceAll(IMPORT, (whole, before, name) => {
      const now = named.get(name);
      return now ? `${before}${now}"` : whole;
    });
  return new Map([...named].map(([name, now]) => [now, rename(files.get(name)!)]));
}
