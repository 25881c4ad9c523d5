/**
 * The command line: finds the verb, runs it, prints what failed.
 *
 * @module
 */
import { formatError, toGtrError, UsageError } from "../common/errors.ts";
import { Home } from "../common/home.ts";
import { printable } from "../common/printable.ts";
import { checkWords } from "./current_folder.ts";
import type { Call, Io } from "./io.ts";
import { SERVICES, type Services } from "./services.ts";
import { loadAll } from "./verb.ts";
import { VERBS } from "./verbs.ts";

/** Words of ours that are commands of git too: what we don't know of them is git's. */
const GITS_OWN: readonly string[] = ["bundle"];

/** Exit code where the reader of our output has gone, as for a process that SIGPIPE ended. */
const BROKEN_PIPE = 141;

/**
 * Runs one command line.
 *
 * @param argv the words after "gtr"
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage; git's own where git ran
 */
export async function run(
  argv: readonly string[],
  io: Io,
  services: Services = SERVICES,
): Promise<number> {
  try {
    return await dispatch(argv, io, services);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.BrokenPipe) return BROKEN_PIPE;
    const error = toGtrError(thrown);
    io.stderr(printable(formatError(error)) + "\n");
    return error.exitCode;
  }
}

async function dispatch(argv: readonly string[], io: Io, services: Services): Promise<number> {
  checkWords(argv);
  const [word, second, ...rest] = argv;
  if (word === undefined) {
    io.stderr(await overview());
    return 2;
  }
  if (isHelp(word)) {
    io.stdout(await overview());
    return 0;
  }
  if (word === "-V" || word === "--version") {
    io.stdout(await (await import("./version.ts")).versionLine());
    return 0;
  }
  const names = await VERBS.names(word);
  if (names.includes(word)) return await call(word, argv.slice(1), io, services);
  const isGits = names.length === 0 || (GITS_OWN.includes(word) && second !== undefined);
  if (second !== undefined) {
    const member = `${word} ${second}`;
    if (names.includes(member)) return await call(member, rest, io, services);
    if (names.length > 0 && isHelp(second)) {
      io.stdout((await import("./help.ts")).groupHelp(await loadAll(VERBS, word)));
      return 0;
    }
  }
  if (isGits) return await (await import("./git.ts")).passToGit(argv, io.cwd);
  const known = names.map((name) => name.slice(word.length + 1)).join(", ");
  const why = second === undefined ? "what to do is missing" : `there is no '${second}'`;
  throw new UsageError("usage", `can't run gtr ${word}: ${why}`, { hint: `one of: ${known}` });
}

function isHelp(word: string): boolean {
  return word === "-h" || word === "--help";
}

async function overview(): Promise<string> {
  return (await import("./help.ts")).overview(await loadAll(VERBS));
}

async function call(
  name: string,
  words: readonly string[],
  io: Io,
  services: Services,
): Promise<number> {
  const [verb, { parse }] = await Promise.all([VERBS.load(name), import("./parse.ts")]);
  const parsed = parse(verb, words);
  if (parsed.help) {
    io.stdout((await import("./help.ts")).verbHelp(verb));
    return 0;
  }
  const home = new Home(io.home);
  const prepared: Call = {
    operands: parsed.operands,
    options: parsed.options,
    io,
    home,
    services,
    async settings() {
      const { Settings } = await import("../common/settings.ts");
      return await Settings.load(home, io.env);
    },
  };
  return await verb.run(prepared, VERBS) ?? 0;
}
