/**
 * Making bundles smaller without changing what they do.
 *
 * @module
 */
import { BuildError } from "./error.ts";

/**
 * Takes white space and comments out of JavaScript modules. Names stay: they are what makes the
 * stack traces in a user's log of use, and `name` of errors is shown; and no statement is rewritten.
 */
export async function minify(files: ReadonlyMap<string, string>): Promise<Map<string, string>> {
  const { stop, transform } = await loadEsbuild();
  try {
    const small = [...files].map(async ([name, code]) => {
      const result = await transform(code, {
        format: "esm",
        target: "esnext",
        minifyWhitespace: true,
        legalComments: "none",
        logLevel: "silent",
      });
      return [name, result.code] as const;
    });
    return new Map(await Promise.all(small));
  } finally {
    await stop();
  }
}

/** Loaded here and not above: only who builds needs it, and it may be missing. */
async function loadEsbuild(): Promise<typeof import("esbuild")> {
  try {
    return await import("esbuild");
  } catch (error) {
    throw new BuildError(`can't load esbuild: ${(error as Error).message.split("\n")[0]}`);
  }
}
