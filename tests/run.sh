#!/bin/bash
# Installs what the tests need, builds, and runs all of them: the release build, the same under
# AddressSanitizer and UndefinedBehaviorSanitizer, the fuzz targets for a short while, formatting and
# clang-tidy. The last thing it prints is CTest's summary. A second run takes what ccache and tidy.py remember.
set -euo pipefail
cd "$(dirname "$0")/.."
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # another clone finds what this one compiled

proxy/install-packages.sh doctest-dev libpcap-dev libbenchmark-dev clang-19 clang-tidy-19 clang-format-19 \
  libclang-rt-19-dev strace valgrind
tests/e2e/install-servers.sh
tests/browser/install-browser.sh

jobs=$(nproc)
step() { printf '\n== %s\n' "$*"; }

failed=()
# The tests of one build: $1 is its preset, the rest goes to ctest.
run_tests() {
  local preset=$1
  shift
  step "tests of the $preset build"
  ctest --test-dir "$(build_dir "$preset")" --output-on-failure "$@" || failed+=("$preset")
}
build_dir() { [[ $1 == release ]] && echo build || echo "build-$1"; }

build() {
  step "building: $1"
  cmake --preset "$1" -DFTPSCOPE_TESTS=ON "${@:2}" >/dev/null
  cmake --build --preset "$1" --parallel "$jobs" | tail -n 1
}

build fuzz
build sanitize
build release -DFTPSCOPE_BENCH=ON

run_tests fuzz --label-regex fuzz
# Deadlines, memory, descriptors and costs are judged in the release build: the sanitizers stretch them.
# Its program also runs with a preloaded library that makes the disk slow.
run_tests sanitize --label-exclude source --exclude-regex 'e2e\.(system_calls|stopping|threats_exhaustion|threats_capture|record|replay|diff|docs)|memory|browser'
run_tests release

if (( ${#failed[@]} )); then
  printf '\nfailed: the tests of %s\n' "${failed[*]}"
  exit 1
fi
