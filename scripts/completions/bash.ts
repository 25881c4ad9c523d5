/**
 * Completion for bash, 3.2 and newer.
 *
 * @module
 */
import {
  COMPLETED,
  type CompletedVerb,
  firstWords,
  groups,
  secondWords,
  SETTING_NAMES,
  SOURCES,
} from "./table.ts";

/**
 * The script for gtr and gti.
 *
 * @param schemes of the networks whose addresses are completed
 */
export function bashCompletion(schemes: readonly string[]): string {
  const first = firstWords().map(([word]) => word);
  return `# bash completion for gtr and gti. Made by scripts/completions.ts.

${SOURCES}
# Offers the words of $1 that start with $2, each with $3 behind it.
__gtr_offer() {
	local word
	for word in $1; do
		case $word in
		"$2"*) COMPREPLY+=("$word$3") ;;
		esac
	done
}

# Sets what the verb $1 takes: its options, those with a value, its operands.
__gtr_takes() {
	case $1 in
${COMPLETED.map(takes).join("\n")}
	*) return 1 ;;
	esac
}

# Offers what fits the kind $1 and starts with $2.
__gtr_offer_kind() {
	case $1 in
	branch) __gtr_offer "$(__gtr_branches)" "$2" " " ;;
	shared_branch) __gtr_offer "$(__gtr_shared_branches)" "$2" " " ;;
	shared_repository) __gtr_offer "$(__gtr_shared_repositories)" "$2" " " ;;
	petname) __gtr_offer "$(__gtr_petnames)" "$2" " " ;;
	setting) __gtr_offer "${SETTING_NAMES.join(" ")}" "$2" " " ;;
	verb) __gtr_offer "${first.join(" ")}" "$2" " " ;;
	directory) compopt -o dirnames 2>/dev/null ;;
	esac
}

# Any other word is git's, and so is its completion.
__gtr_git() {
	if ! declare -F __git_wrap__git_main >/dev/null; then
		local file
		for file in {/usr,/usr/local,/opt/homebrew}/share/bash-completion/completions/git \\
			{/usr/local,/opt/homebrew}/etc/bash_completion.d/git-completion.bash \\
			/usr/share/git/completion/git-completion.bash \\
			/Library/Developer/CommandLineTools/usr/share/git-core/git-completion.bash; do
			[ -r "$file" ] && . "$file" && break
		done
	fi
	declare -F __git_wrap__git_main >/dev/null && __git_wrap__git_main
}

# Offers addresses where the word being typed, $1, starts one.
__gtr_address() {
	local scheme name offered=
	for scheme in ${schemes.join(" ")}; do
		case $1 in
		"$scheme://"*) for name in $(__gtr_petnames); do offered="$offered $scheme://$name/"; done ;;
		?*) offered="$offered $scheme://" ;;
		esac
	done
	__gtr_offer "$offered" "$1" ""
	# Where a colon separates words, bash replaces only what follows it.
	case $1:$COMP_WORDBREAKS in
	*:*:*) COMPREPLY=("\${COMPREPLY[@]#"\${1%"\${1##*:}"}"}") ;;
	esac
}

_gtr() {
	local IFS=$' \\t\\n' line=\${COMP_LINE:0:$COMP_POINT} words
	local cur=\${line##*[[:space:]]}
	COMPREPLY=()
	read -ra words <<<"$line"
	[ -n "$cur" ] || words+=("")
	local last=$((\${#words[@]} - 1)) at=1
	if [ "$last" -le 1 ]; then
		__gtr_git
		__gtr_offer "${first.join(" ")} -h --help -V --version" "$cur" " "
		return
	fi
	local verb=\${words[1]}
	case $verb in
${groups().map((word) => inGroup(word)).join("\n")}
	esac

	local options values operands
	if ! __gtr_takes "$verb"; then
		__gtr_address "$cur"
		[ "\${#COMPREPLY[@]}" -gt 0 ] || __gtr_git
		return
	fi
	compopt +o default +o bashdefault 2>/dev/null
	local word value kind wanted=
	case $cur in
	--*=*) wanted=\${cur%%=*} cur=\${cur#*=} ;;
	esac
	while [ "$((at += 1))" -lt "$last" ]; do
		word=\${words[at]}
		if [ -n "$wanted" ]; then
			wanted= # this was its value
		elif [ "\${word#-}" != "$word" ]; then
			for value in $values; do
				[ "$word" = "\${value%%=*}" ] && wanted=$word
			done
		else
			case $operands in
			*...) ;;
			*" "*) operands=\${operands#* } ;;
			*) operands= ;;
			esac
		fi
	done
	if [ -n "$wanted" ]; then
		for value in $values; do
			[ "$wanted" = "\${value%%=*}" ] && __gtr_offer_kind "\${value#*=}" "$cur"
		done
		return
	fi
	case $cur in
	-*) __gtr_offer "$options" "$cur" " " ;;
	*) kind=\${operands%% *} && __gtr_offer_kind "\${kind%...}" "$cur" ;;
	esac
}

complete -o bashdefault -o default -o nospace -F _gtr gtr gti
`;
}

function takes({ words, options, operands }: CompletedVerb): string {
  const names = options.flatMap((option) => option.names);
  const values = options.flatMap(({ names, value }) =>
    value ? names.map((name) => `${name}=${identifier(value)}`) : []
  );
  const kinds = operands.map(({ kind, repeated }) => identifier(kind) + (repeated ? "..." : ""));
  return `	"${words.join(" ")}")
		options="${names.join(" ")}"
		values="${values.join(" ")}"
		operands="${kinds.join(" ")}" ;;`;
}

function inGroup(word: string): string {
  const second = secondWords(word).map(([word]) => word).join(" ");
  return `	${word})
		compopt +o default +o bashdefault 2>/dev/null
		[ "$last" -gt 2 ] || { __gtr_offer "${second}" "$cur" " " && return; }
		verb="$verb \${words[2]}" at=2 ;;`;
}

function identifier(kind: string): string {
  return kind.replace(" ", "_");
}
