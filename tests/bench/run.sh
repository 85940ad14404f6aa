#!/bin/bash
# Builds ftpscope and its benchmarks, runs them, and prints their figures. README.md says how to read them.
#
#   tests/bench/run.sh [--record] [--rounds N] [--secs S] [NAME=COMMAND ...]
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
trap 'rm -rf "$TMPDIR"' EXIT

# What else runs on this machine is to disturb little: a session of our own, with the highest priority.
undisturbed=()
if [[ $EUID == 0 && -w /proc/self/autogroup ]]; then
  # shellcheck disable=SC2016
  undisturbed=(setsid --wait bash -c 'echo -20 >/proc/self/autogroup; exec "$@"' bash)
fi

ours="$PWD/$build/ftpscope"
[[ $build != /* ]] || ours=$build/ftpscope
ours+=" proxy --listen 127.0.0.1:{port} --server 127.0.0.1:{server} --quiet --log {dir}/log.jsonl"
ours+=" --max-sessions 0 --max-sessions-per-client 0"

if [[ ${1:-} == --record ]]; then  # each test has a process, and each process a new recording
  shift
  set -- "recording=sh -c 'rm -rf {dir}/rec; exec $ours --record {dir}/rec'" "$@"
fi

echo "## The core"
"${undisturbed[@]}" "$build/core_bench" 2>&1
echo
echo "## The whole"
echo
"${undisturbed[@]}" "$build/load" "ftpscope=$ours" "$@"
echo
echo "In brackets: the ratio to direct, or what is added to it. *: client, proxy and server share one processor."
