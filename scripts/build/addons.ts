/**
 * Native addons of npm packages in bundles. Their loaders look for them from `__filename`, which
 * modules don't have; in a bundle they are files beside it.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { BuildError } from "./error.ts";

/** An addon that a bundle's files load. */
export interface Addon {
  /** Its file in the bundle: "sodium-native.node". */
  readonly name: string;
  /** Where its package has it, for this system. */
  readonly path: string;
}

/** Loaded, but never called: its place is taken (lib/udx), and Deno can't run it. */
const NEVER_CALLED = ["udx-native"];

/** The module that loads an addon, as the bundler writes it: its package's folder and name. */
const LOADER =
  /("([^"\n]*\/npm\/[^"\n/]+\/((?:@[^"\n/]+\/)?[^"\n/]+)\/[^"\n/]+)\/binding\.js"\(exports, module\) \{\n)\s*__require\.addon = \w+\(\);\n\s*module\.exports = __require\.addon\("\.", __filename\);/g;
/** Who asks for sodium-native; it gets what lib/hyperdht has in its place. */
const SODIUM =
  /("[^"\n]*\/sodium-universal\/[^"\n]+"\(exports, module\) \{\n\s*module\.exports = )(\w+\(\));/g;
const ANY_LOADER = /__require\.addon\("\.", __filename\)/;

/**
 * Has a bundle's files load addons from beside them; returns which ones.
 *
 * @param root what the paths in the bundle are relative to
 * @param files a bundle's files by name, with the names of modules as the bundler writes them
 * @throws {BuildError} where an addon is loaded in another way
 */
export function replaceAddons(root: string, files: Map<string, string>): Addon[] {
  const found = new Map<string, Addon>();
  for (const [file, code] of files) {
    const changed = code.replaceAll(LOADER, (_, head: string, folder: string, of: string) => {
      if (NEVER_CALLED.includes(of)) return `${head}    module.exports = {};`;
      const name = `${of.replace("/", "+")}.node`;
      const host = `${process.platform}-${process.arch}`;
      found.set(name, { name, path: join(root, folder, "prebuilds", host, name) });
      return `${head}    module.exports = __require("./${name}");`;
    });
    if (ANY_LOADER.test(changed)) {
      throw new BuildError(`can't bundle a native addon: ${file} loads it in a way not known here`);
    }
    files.set(
      file,
      changed.replaceAll(SODIUM, '$1globalThis[Symbol.for("sodium-native")] ?? $2;'),
    );
  }
  return [...found.values()];
}

/** The addons that there are for this system. */
export async function presentAddons(addons: readonly Addon[]): Promise<Addon[]> {
  const there = await Promise.all(
    addons.map(({ path }) => Deno.stat(path).then((info) => info.isFile, () => false)),
  );
  return addons.filter((_, i) => there[i]);
}

/** The addons that a file of a bundle loads. */
export function addonsIn(code: string): string[] {
  return [...code.matchAll(/__require\("\.\/([^"/]+\.node)"\)/g)].map((match) => match[1]!);
}
