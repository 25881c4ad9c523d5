/**
 * Which tests concern a source file: those that import it, at once or by way of others.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import { sources } from "./rooms.ts";

/** A string that may be a module's path: imports, and programs that a test runs. */
const MODULE = /["']([^"'\s]+\.ts)["']/g;
/** Groups of tests, in the order in which they run; the others need what is in `dist/bin`. */
const GROUPS = ["tests/unit", "tests/contract"];

/** File -> how many imports lead from a test to it. */
type Distances = ReadonlyMap<string, number>;

/** Which tests reach which files. */
export class Concerned {
  readonly #reached: ReadonlyMap<string, Distances>;

  private constructor(reached: ReadonlyMap<string, Distances>) {
    this.#reached = reached;
  }

  /** @param root the project's folder */
  static async read(root: string): Promise<Concerned> {
    const all = (await Promise.all(["lib", "cmd", ...GROUPS].map((f) => sources(root, f)))).flat();
    const present = new Set(all);
    const imports = new Map<string, string[]>();
    for (const file of all) {
      const named = (await Deno.readTextFile(join(root, file))).matchAll(MODULE);
      const paths = [...named].map(([, path]) => relative(".", join(dirname(file), path!)));
      imports.set(file, paths.filter((path) => present.has(path)));
    }
    const tests = all.filter((file) => file.endsWith("_test.ts"));
    return new Concerned(new Map(tests.map((test) => [test, distances(test, imports)])));
  }

  /** The tests of a file: first those nearest to it; of equally near ones its own room's. */
  tests(file: string): string[] {
    const room = dirname(file).replace(/^lib\//, "tests/unit/");
    const rank = (test: string) => {
      const far = this.#reached.get(test)!.get(file)!;
      return far * 2 + (test.startsWith(`${room}/`) ? 0 : 1);
    };
    return [...this.#reached.keys()]
      .filter((test) => this.#reached.get(test)!.has(file))
      .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  }
}

function distances(test: string, imports: ReadonlyMap<string, readonly string[]>): Distances {
  const found = new Map([[test, 0]]);
  for (const [file, far] of found) { // what is set meanwhile comes, too
    for (const next of imports.get(file) ?? []) {
      if (!found.has(next)) found.set(next, far + 1);
    }
  }
  return found;
}
