/**
 * The table of verbs in the form that completions are made from.
 *
 * @module
 */
import { loadAll } from "../../lib/cli/verb.ts";
import { VERBS } from "../../lib/cli/verbs.ts";
import { SETTINGS } from "../../lib/common/settings.ts";
import { HELP_OPTION } from "../../lib/common/usage.ts";
import type { Offered, Option } from "../../lib/common/verb.ts";

/** What is offered for a word; "text" is anything, for which nothing can be offered. */
export type Kind = Offered | "text";

/** One option. */
export interface CompletedOption {
  /** "-n", "--lines" */
  readonly names: readonly string[];
  readonly about: string;
  /** What its value is; undefined where it takes none. */
  readonly value?: Kind;
}

/** One operand. */
export interface CompletedOperand {
  /** "branch" */
  readonly name: string;
  readonly kind: Kind;
  readonly repeated: boolean;
}

/** One verb. */
export interface CompletedVerb {
  readonly words: readonly string[];
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly operands: readonly CompletedOperand[];
}

/** All verbs. */
export const COMPLETED: readonly CompletedVerb[] = (await loadAll(VERBS)).map((verb) => ({
  words: verb.name.split(" "),
  summary: verb.summary,
  options: [...verb.options, HELP_OPTION].map(completedOption),
  operands: verb.operands.map(({ form, offer }) => ({
    name: form.replaceAll(/[<>[\].]/g, ""),
    kind: offer ?? "text",
    repeated: form.includes("..."),
  })),
}));

/** The names of all settings. */
export const SETTING_NAMES: readonly string[] = Object.keys(SETTINGS);

/** The first words of all verbs with what they do, each once: "name" stands for its group. */
export function firstWords(): [word: string, about: string][] {
  const words = new Map<string, string>();
  for (const { words: [word, second], summary } of COMPLETED) {
    const before = words.get(word!);
    words.set(word!, second === undefined ? summary : before ? `${before}, ${second}` : second);
  }
  return [...words];
}

/** The second words of a group with what they do; none where `word` is a verb of its own. */
export function secondWords(word: string): [word: string, about: string][] {
  return COMPLETED
    .filter(({ words }) => words[0] === word && words.length === 2)
    .map(({ words, summary }) => [words[1]!, summary]);
}

/** The words that are groups of verbs: "name", "daemon". */
export function groups(): string[] {
  return firstWords().map(([word]) => word).filter((word) => secondWords(word).length > 0);
}

function completedOption({ form, about, offer }: Option): CompletedOption {
  return {
    names: form.match(/--?[a-z-]+/gi)!,
    about,
    value: form.includes("<") ? offer ?? "text" : undefined,
  };
}

/**
 * The values that gtr keeps in files of its own: read by sed, since starting a program for each
 * press of a key takes too long. The files are what JSON.stringify makes, one value in a line.
 */
export const SED = {
  petname: String.raw`s/^ *"\([^"]*\)": "[0-9a-f]\{40,64\}",\{0,1\}$/\1/p`,
  "shared repository": String.raw`s/^ *"name": "\([^"]*\)",\{0,1\}$/\1/p`,
  "shared branch": String.raw`s/^ *"refs\/heads\/\([^"]*\)",\{0,1\}$/\1/p`,
} as const;

/** Shell functions that print what can be offered; bash and zsh understand them. */
export const SOURCES = `__gtr_file() {
	local home=$GTR_HOME
	case $XDG_DATA_HOME in
	/*) : "\${home:=$XDG_DATA_HOME/gtr}" ;;
	*) : "\${home:=$HOME/.local/share/gtr}" ;;
	esac
	sed -n "$2" "$home/$1" 2>/dev/null
}

__gtr_petnames() {
	__gtr_file names.json '${SED.petname}'
}

__gtr_shared_repositories() {
	__gtr_file shares.json '${SED["shared repository"]}'
}

__gtr_branches() {
	git for-each-ref --format='%(refname:lstrip=2)' refs/heads 2>/dev/null
}

__gtr_shared_branches() {
	local dir
	dir=$(git rev-parse --git-common-dir 2>/dev/null) &&
		sed -n '${SED["shared branch"]}' "$dir/gtr/settings.json" 2>/dev/null
}
`;
