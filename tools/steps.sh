# The steps that tools/run, tools/test, tools/soak and .ci/run are made of. Sourced by bash with `set -euo pipefail`,
# from the top of the repository.
jobs=$(nproc)

say() { printf '\n== %s\n' "$*"; }

# Runs a command and shows what it said only if it failed.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  [ $status = 0 ] || { tail -n 60 "$log" >&2; echo "failed: $*" >&2; }
  rm -f "$log"
  return $status
}

# configure PRESET [CMAKE ARGUMENT…]: into build/PRESET unless -B says otherwise.
configure() {
  local preset=$1
  shift
  quietly cmake --preset "$preset" "$@"
}

# build DIRECTORY [TARGET…]
build() {
  local directory=$1
  shift
  ninja -C "$directory" -j "$jobs" "$@"
}

# The targets that the tests with a label matching REGEX run; "all" where one runs something else.
targets_of() {  # DIRECTORY REGEX
  ctest --test-dir "$1" -L "$2" --show-only=json-v1 | python3 -c '
import json, os, sys
top = os.path.realpath(sys.argv[1])
targets = set()
for test in json.load(sys.stdin)["tests"]:
    if "command" not in test:  # a program that is not built yet; its target has the name of the test
        targets.add(test["name"])
        continue
    program = os.path.realpath(test["command"][0])
    targets.add(os.path.relpath(program, top) if program.startswith(top + os.sep) else "all")
print("\n".join(["all"] if "all" in targets else sorted(targets)))' "$1"
}

# run_tests NAME DIRECTORY [CTEST ARGUMENT…]: leaves its results in build/results/NAME. Goes on after failures.
run_tests() {
  local name=$1 directory=$2 status=0
  shift 2
  local results=$PWD/build/results/$name
  rm -rf "$results"
  mkdir -p "$results"
  GTEST_OUTPUT="xml:$results/" GTEST_COLOR=no ctest --test-dir "$directory" --output-on-failure --no-tests=error \
    -j "$jobs" --output-junit "$results/ctest.junit" "$@" || status=$?
  [ -f "$results/ctest.junit" ] || note_result "$name" "ctest itself" failed
  return $status
}

# note_result SUITE NAME passed|failed|skipped: for a step that is not run by ctest.
note_result() {
  mkdir -p "build/results/$1"
  printf '%s\t%s\n' "$2" "$3" >>"build/results/$1/noted.tsv"
}
