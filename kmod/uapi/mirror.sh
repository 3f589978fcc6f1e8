#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# mirror.sh: makes kbus.rs, the contract in Rust, out of kbus.h.
# mirror.sh --check: fails, showing the difference, when kbus.rs is not what
# kbus.h says.
#
# The toolchain's bindgen is the one that counts, so the script goes there
# unless it is there already.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

case ${1-} in
--in-toolchain)
	shift
	;;
*)
	cd "$here"
	exec ../../tools/build/in-toolchain ./mirror.sh --in-toolchain "$@"
	;;
esac

# Written by us rather than taken from bindgen, whose version is Debian's affair.
head='// SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note
//! The KBUS contract, for Rust. Generated from kbus.h by mirror.sh in this
//! directory; do not edit. The numbers of the ioctls are those of a 64-bit
//! program. Where a C struct ends in a flexible array, it starts where the
//! struct here ends.
'

# Layout tests would bind the file to one word size, and tests/abi has better
# ones. The flexible arrays go because what bindgen makes of them is unsafe
# code that nobody needs. bindgen cannot evaluate macros with casts in them,
# such as the numbers of the ioctls: it gets those as constants, under a name
# that they lose again.
generate() {
	printf '%s\n' "$head"
	{
		echo '#include "kbus.h"'
		sed -nE 's/^#define KBUS_IOC_([A-Z]+)\s+_IO.*/const __u32 MIRROR_\1 = KBUS_IOC_\1;/p' kbus.h
	} >"$work/mirror.h"
	bindgen "$work/mirror.h" \
		--use-core --ctypes-prefix core::ffi --no-layout-tests \
		--rust-target 1.82 --rust-edition 2021 --generate-cstr --formatter none \
		--disable-header-comment --no-doc-comments \
		--allowlist-type 'kbus_.*' --allowlist-var '(KBUS|MIRROR)_.*' \
		-- -target x86_64-linux-gnu -I . |
		rustfmt --edition 2021 |
		perl -0pe '
			s/^(#\N*\n)*(pub struct|impl)\b\N*__IncompleteArrayField.*?(;|^})\n//gms;
			s/^ .*__IncompleteArrayField.*\n//gm;
			s/\bMIRROR_/KBUS_IOC_/g'
}

cd "$here"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new=$work/kbus.rs
generate >"$new"
if [ "${1-}" = --check ]; then
	diff -u kbus.rs "$new" || {
		echo "kmod/uapi/kbus.rs is not what kbus.h says: run kmod/uapi/mirror.sh" >&2
		exit 1
	}
else
	# Through cat: a file of the usual mode, whatever mktemp gave.
	cat "$new" >kbus.rs
fi
