# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# apt's view of the backports suite, apart from the root's own so that it can
# be refreshed without changing the root. Inside the root; sourced.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../arch.sh"

state=/cache/apt
apt_options=(
	-o Dir::State::lists=$state/lists
	-o Dir::Etc::sourcelist=$state/sources.list
	-o Dir::Etc::sourceparts=-
	-o Dir::Cache=$state
	-o APT::Architecture="$deb_arch"
	-o APT::Architectures="$deb_arch"
)
