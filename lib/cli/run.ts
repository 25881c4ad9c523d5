/**
 * The command line: finds the verb, runs it, prints what failed.
 *
 * @module
 */
import { formatError, toGtrError, UsageError } from "../common/errors.ts";
import { Home } from "../common/home.ts";
import { printable } from "../common/printable.ts";
import { checkWords } from "./current_folder.ts";
import { findVerb, verbsOfGroup } from "./find_verb.ts";
import type { Call, Io } from "./io.ts";
import { SERVICES, type Services } from "./services.ts";
import type { Verb } from "./verb.ts";
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
    io.stderr((await import("./help.ts")).overview(VERBS));
    return 2;
  }
  if (word === "-h" || word === "--help") {
    io.stdout((await import("./help.ts")).overview(VERBS));
    return 0;
  }
  if (word === "-V" || word === "--version") {
    io.stdout(await (await import("./version.ts")).versionLine());
    return 0;
  }
  const verb = findVerb(VERBS, [word]);
  if (verb) return await call(verb, argv.slice(1), io, services);
  const group = verbsOfGroup(VERBS, word);
  if (group.length === 0) return await (await import("./git.ts")).passToGit(argv, io.cwd);
  const member = second === undefined ? undefined : findVerb(VERBS, [word, second]);
  if (member) return await call(member, rest, io, services);
  if (second === "-h" || second === "--help") {
    io.stdout((await import("./help.ts")).groupHelp(group));
    return 0;
  }
  if (second !== undefined && GITS_OWN.includes(word)) {
    return await (await import("./git.ts")).passToGit(argv, io.cwd);
  }
  const known = group.map((v) => v.name.slice(word.length + 1)).join(", ");
  const why = second === undefined ? "what to do is missing" : `there is no '${second}'`;
  throw new UsageError("usage", `can't run gtr ${word}: ${why}`, { hint: `one of: ${known}` });
}

async function call(
  verb: Verb,
  words: readonly string[],
  io: Io,
  services: Services,
): Promise<number> {
  const { parse } = await import("./parse.ts");
  const parsed = parse(verb, words);
  if (parsed.help) {
    io.stdout((await import("./help.ts")).verbHelp(verb));
    return 0;
  }
  const { run } = await verb.load();
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
  return await run(prepared) ?? 0;
}
