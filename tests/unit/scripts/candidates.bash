# Prints what bash offers for the command line $2, with the completion in the file $1.
. "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
# The words as bash itself separates them: at blanks, and at colons and equals signs.
read -ra COMP_WORDS <<<"$(sed 's/[:=]\{1,\}/ & /g' <<<"$COMP_LINE")"
case $COMP_LINE in *[\ =:]) COMP_WORDS+=("") ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_gtr
printf '<%s>\n' "${COMPREPLY[@]}"
