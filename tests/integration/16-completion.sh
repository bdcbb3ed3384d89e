#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TIMEOUT: 60
# Shell completion: what --help shows is completed, and the scripts are right.
. "$(dirname "$0")/lib.sh"
for shell in bash zsh fish; do
	"$LAZYRUN" completion $shell >"$WORK/$shell" || fault "completion $shell"
	if command -v $shell >/dev/null; then
		check "syntax of $shell's" $shell -n "$WORK/$shell"
	else
		echo "$shell is not installed: the syntax of its script was not checked"
	fi
done
"$LAZYRUN" completion csh 2>"$WORK/err"
equal "an unknown shell" 2 $?
. "$WORK/bash"
# complete WORD...: what is offered for the last one
complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_lazyrun
	printf '%s\n' "${COMPREPLY[@]:-}"
}
commands=$("$LAZYRUN" --help | sed -n 's/^  \([a-z]\{1,\}\) \{1,\}[a-z].*/\1/p')
[ "$(wc -w <<<"$commands")" -gt 12 ] || fault "--help lists too few commands: $commands"
for command in $commands; do
	equal "completion of $command" "$command" "$(complete_words lazyrun "$command" | head -n 1)"
	for option in $("$LAZYRUN" "$command" --help | sed -n 's/^ \{1,\}\(-[A-Za-z], \)\{0,1\} *\(--[a-z0-9-]*\).*/\2/p'); do
		complete_words lazyrun "$command" "$option" | grep -xe "$option" >/dev/null ||
			fault "$command $option is not completed in bash"
		grep -q -e "from $command' -l ${option#--}\b" "$WORK/fish" ||
			fault "$command $option is not completed in fish"
		grep -q -e "$option\[" "$WORK/zsh" || fault "$command $option is not completed in zsh"
	done
done
equal "verbs" "start stop" "$(complete_words lazyrun instance st | xargs)"
equal "a value is left to the shell" "" "$(complete_words lazyrun exec --tag-ttl "")"
