/**
 * Reading a verb's operands and options, with commander.
 *
 * @module
 */
import { Command, CommanderError } from "commander";
import { UsageError } from "../common/errors.ts";
import type { NamedUsage } from "../common/verb.ts";
import type { Options } from "./io.ts";

/** Verbs that git has, too. */
const GIT_HAS = new Set(["config", "init", "status"]);

/** What follows a verb, read; or that its help is wanted. */
export type Parsed =
  | { readonly help: true }
  | { readonly help: false; readonly operands: readonly string[]; readonly options: Options };

/**
 * Reads what follows the verb's name.
 *
 * @throws {UsageError} "usage" where it doesn't fit the verb's declaration
 */
export function parse(verb: NamedUsage, words: readonly string[]): Parsed {
  const command = new Command(verb.name)
    .exitOverride()
    .configureOutput({ writeOut: () => {}, writeErr: () => {} })
    .helpOption("-h, --help")
    .allowExcessArguments(false);
  for (const operand of verb.operands) command.argument(operand.form);
  for (const option of verb.options) command.option(option.form);
  try {
    command.parse(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return { help: true };
    if (verb.noOperands && error.code === "commander.excessArguments") {
      // commander's own words would repeat them.
      throw new UsageError("usage", `can't run gtr ${verb.name}: too many arguments`, {
        hint: verb.noOperands,
      });
    }
    const why = error.message.replace(/^error: /, "").replaceAll("\n", " ");
    const isForeign = GIT_HAS.has(verb.name) && error.code === "commander.unknownOption";
    const git = isForeign ? `; git's own: git ${[verb.name, ...words].join(" ")}` : "";
    throw new UsageError("usage", `can't run gtr ${verb.name}: ${why}`, {
      hint: `gtr help ${verb.name}${git}`,
    });
  }
  return { help: false, operands: command.args, options: command.opts<Options>() };
}
