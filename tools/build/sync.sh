# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# The checkout and the toolchain root's /kbus, kept alike by copying, where we
# may not mount one into the other. Sourced, after lib.sh.

# Copies in. From then on, until this process ends, /kbus stays this
# checkout's: others of the same checkout may join, another checkout waits.
sync_in() {
	command -v rsync >/dev/null || apt-get install -y -q rsync >/dev/null 2>&1 ||
		die "this container may not mount (no CAP_SYS_ADMIN), so rsync is needed: apt-get install rsync"
	exec 8>"$cache/kbus.lock"
	flock -s 8
	if [ "$(cat "$root/kbus.owner" 2>/dev/null)" != "$checkout" ]; then
		flock -n 8 || say "waiting for another checkout to be done with the toolchain"
		flock 8
		find "$root/kbus" -mindepth 1 -delete
		echo "$checkout" >"$root/kbus.owner"
		flock -s 8
	fi
	# build/ is written in there, perhaps right now by another command
	rsync -a --update --delete --filter='P /build/' --exclude=/.git "$checkout/" "$root/kbus/"
}

sync_out() {
	rsync -a --update "$root/kbus/" "$checkout/"
}
