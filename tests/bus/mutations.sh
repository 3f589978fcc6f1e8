#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Breaks the bus in the ways that the file `mutations` lists, each in a copy, and says which
# tests noticed. Fails if one that should be noticed is not.
#
#   tests/bus/mutations.sh [words of the sentences to try]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$work/target}/mutations" RUST_BACKTRACE=0

mkdir -p "$work/kmod" "$work/tests"
cp -r "$top"/kmod/{bus,classic,uapi,trace.rs} "$work/kmod/"
cp -r "$here" "$top"/tests/{kernel,conformance} "$work/tests/"
mkdir "$work/libkbus"
cp -r "$top/libkbus/vectors" "$work/libkbus/"
cp "$top/Cargo.lock" "$work/"
# The same workspace with what those need.
perl -0pe 's/members = \[.*?\]/members = ["libkbus\/vectors", "tests\/bus", "tests\/conformance", "tests\/kernel"]/s' \
	"$top/Cargo.toml" >"$work/Cargo.toml"
cd "$work"

tests() { cargo test -q -p kbus-test-bus --lib "$@" -- --format=pretty 2>&1; }

if ! tests >"$work/log"; then
	grep -E '^test .*FAILED|^error' "$work/log" || tail -20 "$work/log"
	echo "The bus fails its tests before anything is broken." >&2
	exit 1
fi

# Which tests notice? The quick ones first; the properties are asked only if those are content.
noticed() {
	local group
	for group in conformance::bus_and_model rules users sweeps properties; do
		if ! tests "$group::" >"$work/log"; then
			if grep -qE '^error(\[|:)' "$work/log" && ! grep -q '^test ' "$work/log"; then
				echo "does not compile"
				return
			fi
			sed -nE 's/^test ([^ ]+) .*FAILED$/\1/p' "$work/log" | sort -u | paste -sd' '
			return
		fi
	done
}

caught=0 missed=0 sentence=
report() {
	local names count
	names=$(noticed)
	count=$(wc -w <<<"$names")
	if [ "$names" = "does not compile" ]; then
		echo "ERROR   $sentence It does not compile."
		missed=$((missed + 1))
	elif [[ $sentence == Harmless* ]] && [ -n "$names" ]; then
		echo "WRONG   $sentence Noticed by $names"
		missed=$((missed + 1))
	elif [[ $sentence == Harmless* ]]; then
		echo "passed  $sentence"
	elif [ -z "$names" ]; then
		echo "MISSED  $sentence"
		missed=$((missed + 1))
	else
		[ "$count" -eq 1 ] || names="${names%% *} and $((count - 1)) more"
		echo "caught  $sentence By $names"
		caught=$((caught + 1))
	fi
}

# One mutation in three parts: its file, the old text, the new text.
try() {
	local file=$1 old=$2 new=$3
	[[ ${filter,,} == "" || ${sentence,,} == *"${filter,,}"* ]] || return 0
	cp "$top/kmod/bus/$file" "$work/kmod/bus/$file"
	if ! OLD=$old NEW=$new perl -0pi -e '
		my $old = join "\\s+", map { quotemeta } split " ", $ENV{OLD};
		my $n = () = /$old/g;
		$n == 1 or die "found $n times\n";
		s/$old/$ENV{NEW}/;
	' "$work/kmod/bus/$file" 2>"$work/log"; then
		echo "ERROR   $sentence The text was $(cat "$work/log")"
		missed=$((missed + 1))
	else
		report
	fi
	cp "$top/kmod/bus/$file" "$work/kmod/bus/$file"
}

filter=${*:-}
file='' old='' new=''
while IFS= read -r line || [ -n "$line" ]; do
	case $line in
	'== '*) sentence=${line#== } file='' old='' new='' ;;
	'- '*) old+=" ${line#- }" ;;
	'+'*) new+="${line#+}"$'\n' ;;
	'#'*) ;;
	'') [ -n "$old" ] && try "$file" "$old" "$new"; old='' ;;
	*) file=$line ;;
	esac
done < <(cat "$here/mutations"; echo)

echo "$caught caught, $missed missed"
[ "$missed" -eq 0 ]
