#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# coverage.sh: runs the tests of this folder and says which lines of kmod/bus no
# test reached, and what share was reached. Fails below 95 of 100. Runs in the
# toolchain: tools/build/in-toolchain tests/bus/coverage.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

least=95
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$(printf '%s\n' /usr/lib/llvm-*/bin | sort -V | tail -n 1)

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$work}/coverage" RUSTFLAGS=-Cinstrument-coverage
program=$(cargo test -q -p kbus-test-bus --lib --no-run --message-format=json |
	sed -nE 's/.*"executable":"([^"]+)".*/\1/p')
LLVM_PROFILE_FILE=$work/%p.profraw "$program" -q >&2
"$tools/llvm-profdata" merge -sparse "$work"/*.profraw -o "$work/all"
"$tools/llvm-cov" export -format=lcov -instr-profile="$work/all" "$program" |
	awk -F '[:,]' -v least=$least -v top="$PWD/" '
		/^SF:/ { file = substr($0, 4); sub(top, "", file); ours = file ~ /kmod\/bus\// }
		!ours { next }
		# One file is compiled once, but generic code counts each of its copies.
		/^DA:/ { if (!((file, $2) in hit)) { hit[file, $2] = 0; order[++n] = file SUBSEP $2 } hit[file, $2] += $3 }
		END {
			for (i = 1; i <= n; i++) {
				split(order[i], at, SUBSEP)
				if (hit[order[i]]) reached++
				else print at[1] ":" at[2]
			}
			if (!n) { print "no lines"; exit 1 }
			printf "%.1f of 100 lines are reached (%d of %d)\n", 100 * reached / n, reached, n
			exit reached * 100 < least * n
		}'
