/**
 * Completion for zsh, 5.0 and newer.
 *
 * @module
 */
import {
  COMPLETED,
  type CompletedOption,
  type CompletedVerb,
  firstWords,
  groups,
  type Kind,
  secondWords,
  SETTING_NAMES,
  SOURCES,
} from "./table.ts";

const ACTIONS: Readonly<Record<Kind, string>> = {
  "branch": '{compadd -- ${(f)"$(__gtr_branches)"}}',
  "shared branch": '{compadd -- ${(f)"$(__gtr_shared_branches)"}}',
  "shared repository": '{compadd -- ${(f)"$(__gtr_shared_repositories)"}}',
  "petname": '{compadd -- ${(f)"$(__gtr_petnames)"}}',
  "setting": `(${SETTING_NAMES.join(" ")})`,
  "directory": "_directories",
  "verb": `(${firstWords().map(([word]) => word).join(" ")})`,
  "text": " ",
};

/**
 * The function for gtr and gti.
 *
 * @param schemes of the networks whose addresses are completed
 */
export function zshCompletion(schemes: readonly string[]): string {
  return `#compdef gtr gti
# zsh completion for gtr and gti. Made by scripts/completions.ts.

${SOURCES}
# Any other word is git's, and so is its completion.
__gtr_git() {
	local service=git
	words[1]=git
	autoload -Uz _git && _git
}

__gtr_addresses() {
	local scheme
	for scheme in ${schemes.join(" ")}; do
		if [[ $PREFIX == $scheme://* ]]; then
			compadd -S '' -- $scheme://\${^\${(f)"$(__gtr_petnames)"}}/
		elif [[ -n $PREFIX ]]; then
			compadd -S '' -- $scheme://
		fi
	done
}

_gtr() {
	local -a verbs
	if (( CURRENT == 2 )); then
		verbs=(
${described(firstWords())}
		)
		_describe -t verbs 'verb of gtr' verbs
		__gtr_git
		return
	fi
	local verb=$words[2] depth=1
	case $verb in
${groups().map(inGroup).join("\n")}
	esac
	shift $depth words
	(( CURRENT -= depth ))
	case $verb in
${COMPLETED.map(verbCase).join("\n")}
	*)
		words=(git $verb "\${(@)words[2,-1]}")
		(( CURRENT += 1 ))
		__gtr_addresses || __gtr_git
		;;
	esac
}

_gtr "$@"
`;
}

function described(words: readonly (readonly [string, string])[]): string {
  return words.map(([word, about]) => `\t\t\t${quoted(`${word}:${about.replaceAll(":", "\\:")}`)}`)
    .join("\n");
}

function inGroup(group: string): string {
  return `	${group})
		if (( CURRENT == 3 )); then
			verbs=(
${described(secondWords(group))}
			)
			_describe -t verbs 'verb of gtr ${group}' verbs
			return
		fi
		verb="$verb $words[3]" depth=2 ;;`;
}

function verbCase({ words, options, operands }: CompletedVerb): string {
  const specs = [
    ...options.flatMap(optionSpecs),
    ...operands.map(({ name, kind, repeated }, i) =>
      `${repeated ? "*" : i + 1}:${name}:${ACTIONS[kind]}`
    ),
  ];
  return `	${quoted(words.join(" "))})
		_arguments ${specs.map((spec) => `\\\n\t\t\t${quoted(spec)}`).join(" ")}
		;;`;
}

function optionSpecs({ names, about, value }: CompletedOption): string[] {
  const text = about.replaceAll(/[[\]:\\]/g, "\\$&");
  const argument = value === undefined ? "" : `:value:${ACTIONS[value]}`;
  return names.map((name) => {
    const others = names.length > 1 ? `(${names.join(" ")})` : "";
    const equals = argument && name.startsWith("--") ? "=" : "";
    return `${others}${name}${equals}[${text}]${argument}`;
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
