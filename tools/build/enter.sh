# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# How a command gets into the toolchain root. Sourced, after lib.sh.

# What a program inside may see of the caller's environment: how the network
# is reached, how cargo is set up, what tests are told. Nothing else, or the
# host's compilers and paths would leak in.
passed_on() {
	env -0 | while IFS= read -r -d '' pair; do
		case ${pair%%=*} in
		CARGO_HOME | CARGO_TARGET_DIR | CARGO_INSTALL_ROOT | KBUS_CACHE) ;;
		http_proxy | https_proxy | no_proxy | all_proxy | ftp_proxy | \
			HTTP_PROXY | HTTPS_PROXY | NO_PROXY | ALL_PROXY | FTP_PROXY | \
			SSL_CERT_FILE | SSL_CERT_DIR | CURL_CA_BUNDLE | GIT_SSL_CAINFO | \
			CARGO_* | KBUS_* | RUST_BACKTRACE | RUST_LOG | PROPTEST_* | \
			TERM | COLUMNS | LINES | NO_COLOR | SOURCE_DATE_EPOCH | V)
			printf '%s\0' "$pair"
			;;
		esac
	done
}

# The machine's own way to the network, copied anew each time because it may
# have changed. To a temporary name first: others may be reading.
copy_network() {
	local dir=$1 file
	for file in /etc/resolv.conf /etc/hosts /etc/ssl/certs/ca-certificates.crt \
		"${SSL_CERT_FILE:-}" "${CURL_CA_BUNDLE:-}"; do
		[ -f "$file" ] || continue
		cmp -s "$file" "$dir$file" && continue
		mkdir -p "$dir${file%/*}"
		cp -L "$file" "$dir$file.$$" && mv "$dir$file.$$" "$dir$file"
	done
}

# The caller's cargo configuration (registries, mirrors), but not the files
# that hold secrets.
copy_cargo_config() {
	local file from=${CARGO_HOME:-${HOME:-/root}/.cargo}
	mkdir -p "$store/cargo"
	for file in config config.toml; do
		if [ -f "$from/$file" ]; then
			cmp -s "$from/$file" "$store/cargo/$file" || cp "$from/$file" "$store/cargo/$file"
		else
			rm -f "$store/cargo/$file"
		fi
	done
}

# Without mounts there is no /proc and no /dev but what we put there. These
# few files satisfy debootstrap (anything), objtool (a stack) and apt.
fake_proc() {
	local dir=$1
	mkdir -p "$dir/proc/self" "$dir/proc/sys/kernel" "$dir/dev/shm" "$dir/sys"
	cp /proc/cpuinfo /proc/meminfo /proc/filesystems /proc/version "$dir/proc/"
	echo '1000-2000 rw-p 00000000 00:00 0 [stack]' >"$dir/proc/self/maps"
	: >"$dir/proc/mounts"
	local name major minor
	while read -r name major minor; do
		[ -e "$dir/dev/$name" ] || mknod -m 666 "$dir/dev/$name" c "$major" "$minor" || return
	done <<-END
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		tty 5 0
	END
	chmod 1777 "$dir/dev/shm"
}

# Runs as the first process of a private mount and pid namespace.
# shellcheck disable=SC2016 # expanded by the shell in there
mount_and_chroot='
	dir=$1 store=$2 checkout=$3 tmp=$4
	shift 4
	mount -t proc proc "$dir/proc" &&
		mount --rbind /sys "$dir/sys" &&
		mount --rbind /dev "$dir/dev" &&
		mount --bind "$tmp" "$dir/tmp" &&
		mount --bind "$store" "$dir/cache" &&
		mount --bind "$checkout" "$dir/kbus" || exit 1
	# Stay as an ordinary parent: a program that is process 1 itself cannot be
	# killed by the signals it gets.
	chroot "$dir" "$@"
	exit $?'

# enter DIR CMD...: run CMD in the root DIR, its working directory where ours is.
# ENTER_WITH names a program and its options to start it all with.
enter() {
	local dir=$1 cwd=/kbus env=() target
	shift
	case $PWD/ in
	"$checkout"/*) cwd=/kbus${PWD#"$checkout"} ;;
	esac
	target=$(echo "$checkout" | sha256sum | cut -c1-12)
	readarray -d '' -t env < <(passed_on)
	env+=(
		PATH=/usr/lib/llvm-19/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		HOME=/root LC_ALL=C.UTF-8 USER=root
		CARGO_HOME=/cache/cargo CARGO_TARGET_DIR="/cache/target-$target"
	)
	copy_network "$dir"
	copy_cargo_config
	in_use "$dir" "$store/target-$target"*
	# shellcheck disable=SC2016 # expanded inside
	local run=(env -i "${env[@]}" sh -c 'cd "$1" && shift && exec "$@"' sh "$cwd" "$@")
	if [ "$mounts" = yes ]; then
		# shellcheck disable=SC2086 # a program and its options
		${ENTER_WITH:-} unshare --mount --pid --fork --kill-child --propagation private \
			sh -c "$mount_and_chroot" sh "$dir" "$store" "$checkout" "${TMPDIR:-/tmp}" "${run[@]}"
	else
		fake_proc "$dir" || die "this container may not create device nodes (CAP_MKNOD) nor mount (CAP_SYS_ADMIN): one of them is needed"
		# shellcheck disable=SC2086
		${ENTER_WITH:-} chroot "$dir" "${run[@]}"
	fi
}

# enter_tied: the same, but nothing of it outlives this shell.
enter_tied() {
	ENTER_WITH="setpriv --pdeathsig KILL" enter "$@"
}
