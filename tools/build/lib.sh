# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What the scripts in this directory and in tests/vm share: where things are,
# how they report, and how they wait for each other. Sourced.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
# shellcheck source=tools/build/arch.sh
. "$here/arch.sh"

# --- talking -----------------------------------------------------------------

say() { printf 'kbus: %s\n' "$*" >&2; }

die() {
	printf 'kbus: error: %s\n' "$*" >&2
	exit 1
}

# --- places ------------------------------------------------------------------

suite=trixie

# inside: are we in the toolchain root already?
inside() { [ -e /etc/kbus-toolchain ]; }

# Sets, for everybody:
#   cache  what we keep between runs, outside the checkout
#   root   the Debian root with compilers and QEMU
#   store  what is seen as /cache inside the root: kernels, cargo's files
#   key    what the root is made of, shortened
#   mounts yes when we may make a private mount namespace
find_places() {
	if inside; then
		cache=/cache store=/cache root=/ mounts=no key=inside
		return
	fi
	cache=${KBUS_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/kbus}
	mkdir -p "$cache" 2>/dev/null || die "cannot write to the cache directory $cache (set KBUS_CACHE)"
	cache=$(cd "$cache" && pwd)
	# Only what changes the root's contents counts, so that a comment
	# does not cost everyone a minute.
	key=$({ sed -e 's/#.*//' -e '/^ *$/d' "$here/packages"; echo "$suite $root_format"; } | sha256sum | cut -c1-12)
	root=$cache/root-$key
	mounts=$(can_mount)
	# Without mounts nothing outside the root is visible inside, so what is
	# to be seen there has to lie in it.
	if [ "$mounts" = yes ]; then store=$cache; else store=$root/cache; fi
}

# Raise it when toolchain.build makes something else out of the same packages.
root_format=1

can_mount() {
	[ "${KBUS_NO_MOUNT:-}" ] && { echo no; return; }
	if unshare --mount --pid --fork --propagation private \
		sh -c 'd=$(mktemp -d) && mount -t tmpfs t "$d" && mkdir "$d/p" && mount -t proc p "$d/p"; r=$?
			umount -R "$d" 2>/dev/null; rmdir "$d"; exit $r' 2>/dev/null; then
		echo yes
	else
		echo no
	fi
}

need_root() {
	[ "$(id -u)" = 0 ] || die "must be run as root: the toolchain is a Debian $suite root that is entered with chroot (try sudo)"
}

# --- tidiness ----------------------------------------------------------------

# in_use FILE...: marks what has a key in its name as used; see tidy.
in_use() { touch -c "$@" 2>/dev/null || true; }

# Removes what runs that were killed left behind, and what has been in use for
# no one for a month: that of checkouts which are gone, of older packages and
# configurations. All of it can be made again. Another run may be doing the
# same, so what is gone already is no error.
tidy() {
	find "$store" -maxdepth 1 -name 'run.*' -mmin +1440 -exec rm -rf {} + || true
	find "$cache" "$store" "$store/kernels" -maxdepth 1 -mtime +30 \
		\( -name 'target-*' -o -name 'guest-*.cpio' -o -name 'root-*' -o -name 'ruff-*' -o -name 'reuse-*' -o -name 'kasan-*' -o -name 'kcsan-*' \) \
		-exec rm -rf --one-file-system {} + || true
} 2>/dev/null

# --- waiting for one another -------------------------------------------------

# locked NAME CMD...: one at a time per cache. The kernel drops the lock when
# its last holder dies, however it dies.
locked() {
	local name=$1 rc=0
	shift
	exec 9>"$cache/$name.lock" || die "cannot write in $cache"
	if ! flock -n 9; then
		say "waiting for another run that is preparing the $name"
		flock 9
	fi
	"$@" || rc=$?
	exec 9>&-
	return $rc
}

# Two builds of one checkout take turns. Held until this process ends.
lock_build() {
	mkdir -p "$checkout/build"
	exec 7>"$checkout/build/lock"
	flock -n 7 && return
	say "waiting for another build in this checkout"
	flock 7
}

# --- long steps --------------------------------------------------------------

began=$SECONDS
log=

# step WHAT CMD...: say what starts, run it with its output in $log, say now
# and then that it still runs; when it fails, end in one line that says why.
step() {
	local what=$1 start=$SECONDS ticker rc=0
	shift
	say "$(printf '[%3d s]' $((SECONDS - began))) $what"
	printf '\n=== %s ===\n' "$what" >>"$log" 2>/dev/null || true
	( # holds no lock, and leaves no sleep behind
		exec 7>&- 9>&- >/dev/null </dev/null
		trap 'kill "$nap" 2>/dev/null; exit' TERM
		while sleep 20 & nap=$!; wait $nap && kill -0 $$; do
			say "$(printf '[%3d s]' $((SECONDS - began))) ... $what ($((SECONDS - start)) s so far)"
		done
	) &
	ticker=$!
	"$@" >>"$log" 2>&1 </dev/null || rc=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	[ $rc = 0 ] || die "$what: $(why) (log: $log)"
}

# why: the reason of a failure, out of the end of $log.
why() {
	local free line
	free=$(df -Pm "$cache" | awk 'NR==2 {print $4}')
	if [ "${free:-9999}" -lt 20 ] || tail -n 50 "$log" 2>/dev/null | grep -qE "No space left on device|enough free space"; then
		echo "the disk of $cache is full"
		return
	fi
	# the first complaint of the step that failed, or else its last words
	line=$(awk '/^=== .* ===$/ { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' "$log" |
		grep -aE '^(E: |error|fatal|make.*\*\*\* |.*(rror:|ailed|Could not))' | head -n 1) || true
	[ "$line" ] || line=$(grep -av '^ *$' "$log" | tail -n 1)
	read -r line <<<"$line"
	echo "failed: ${line:0:200}"
}

# need_space MIB WHAT: better now than after five minutes.
need_space() {
	local free
	free=$(df -Pm "$cache" | awk 'NR==2 {print $4}')
	[ "$free" -ge "$1" ] || die "$2 needs $1 MiB in $cache, its disk has $free MiB free (set KBUS_CACHE to use another)"
}
