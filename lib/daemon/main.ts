/**
 * gtd as a process: its arguments, and what failed on stderr.
 *
 * @module
 */
import { formatError, toGtrError, UsageError } from "../common/errors.ts";

/**
 * Runs gtd until it is ended.
 *
 * @param args the words after "gtd"
 * @returns the exit code
 */
export async function gtdMain(args: readonly string[]): Promise<number> {
  try {
    const [option, ...more] = args;
    if (option === "-h" || option === "--help") {
      const [{ usageText }, { GTD_USAGE }] = await Promise.all([
        import("../common/usage.ts"),
        import("./usage.ts"),
      ]);
      print(usageText(GTD_USAGE));
      return 0;
    }
    if (option === "-V" || option === "--version") {
      print(`gtd ${(await import("../common/version.ts")).VERSION}\n`);
      return 0;
    }
    const wrong = option === "--background" ? more[0] : option;
    if (wrong !== undefined) {
      throw new UsageError("usage", `can't start gtd: it doesn't know '${wrong}'`, {
        hint: "gtd --help",
      });
    }
    const { runGtd } = await import("./gtd.ts");
    const background = option === "--background";
    // Who started us waits for this line and then closes the pipe.
    await runGtd({ background, ready: () => background && print("ready\n") });
    return 0;
  } catch (thrown) {
    const error = toGtrError(thrown);
    console.error(formatError(error, "gtd"));
    return error.exitCode;
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
