# Prints what zsh offers for the command line $2, with the completions in the folder $1.
# An interactive zsh on a terminal of its own completes it; compadd is made to tell what it adds.
zmodload zsh/zpty || exit 3
zpty shell zsh -f -i
setup=$(mktemp)
cat >$setup <<END
PROMPT=
fpath=(${(q)1} $fpath)
autoload -Uz compinit && compinit -u -D
bindkey '^M' undefined
bindkey '^J' undefined
bindkey '^I' complete-word
mark() { print -r -- '<<>>' }
compprefuncs=(mark)
comppostfuncs=(mark exit)
zstyle ':completion:*' insert-tab false
compadd() {
	local -a found
	[[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] || {
		builtin compadd -A found "\$@"
		for word in \$found; do print -r -- "<\$word>"; done
	}
	builtin compadd "\$@"
}
print ready
END
zpty -w shell "source $setup"
until [[ $line == ready* ]]; do zpty -r shell line || exit 2; done
rm $setup
zpty -n -w shell "$2"$'\t'
marks=0
while (( marks < 2 )); do
	zpty -r shell line || exit 2
	case $line in
	*'<<>>'*) (( marks += 1 )) ;;
	*) (( marks )) && print -r -- $line ;;
	esac
done
