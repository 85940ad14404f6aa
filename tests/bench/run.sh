#!/bin/bash
# Builds ftpscope and its benchmarks, runs them beside the proxies that are installed, and prints their
# figures. README.md says how to read them.
#
#   tests/bench/run.sh [--record] [--rounds N] [--secs S] [--only TEST] [NAME=COMMAND ...]
#
# --record: a column for ftpscope with --record, too; the recordings are in $TMPDIR, 2 GB at a time.
# The options and further proxies to measure go to the load program (see load.cpp). $BUILD is where to build.
set -euo pipefail
cd "$(dirname "$0")/../.."

proxy/install-packages.sh libbenchmark-dev doctest-dev >&2

build=${BUILD:-build}
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DFTPSCOPE_BENCH=ON >/dev/null
cmake --build "$build" --target ftpscope core_bench load | tail -n 1 >&2

TMPDIR=$(mktemp -d)
export TMPDIR
chmod 755 "$TMPDIR"  # a proxy may give up root
trap 'rm -rf "$TMPDIR"' EXIT

# What else runs on this machine is to disturb little: a session of our own, with the highest priority.
undisturbed=()
if [[ $EUID == 0 && -w /proc/self/autogroup ]]; then
  # shellcheck disable=SC2016
  undisturbed=(setsid --wait bash -c 'echo -20 >/proc/self/autogroup; exec "$@"' bash)
fi

program="$PWD/$build/ftpscope"
[[ $build != /* ]] || program=$build/ftpscope
program+=" proxy --listen 127.0.0.1:{port} --server 127.0.0.1:{server} --quiet --log {dir}/log.jsonl"
program+=" --max-sessions 0 --max-sessions-per-client 0"

columns=()
ours() { columns+=(--ours "$1" "$1=$2"); }
ours ftpscope "$program"
if [[ ${1:-} == --record ]]; then  # each test has a process, and each process a new recording
  shift
  ours recording "$program --record {dir}/rec"
fi
ours '2 workers' "$program --workers 2"
if [[ $EUID == 0 ]]; then  # the kernel's data path is not for connections of one machine: commands alone
  ours 'kernel path' "$program --data-path kernel"
  columns+=(--control-only 'kernel path')
fi
for peer in suse mod_proxy haproxy; do
  tests/bench/peer "$peer" || continue
  columns+=("$peer=tests/bench/peer $peer {port} {server} {dir}")
  [[ $peer != haproxy ]] || columns+=(--control-only haproxy)
done

echo "## The core"
"${undisturbed[@]}" "$build/core_bench" 2>&1
echo
echo "## The whole"
echo
"${undisturbed[@]}" "$build/load" "${columns[@]}" "$@"
echo
echo "In brackets: the ratio to direct, or what is added to it. *: client, proxy and server share one processor."
