#!/usr/bin/env bash
# Builds everything, runs every test, and ends with one line: N passed, N failed, N skipped.
# Arguments go to the test program, for example: bash tests/run.sh -class Andrea.Tests.Support.ToleranceTests
# Without any, the Python tests of benchmarks/peers run as well; the closing line counts them as one failure if one of them fails.
set -uo pipefail
cd "$(dirname "$0")/.."
if ! dotnet build Andrea.sln -c Release -v quiet -nologo; then
    echo "The build failed, so no test ran."
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
# NVRTC compiles the CUDA kernels, GPU or not. Where it is missing, tests of them say so and skip; under CI they fail.
if [ -z "${ANDREA_NVRTC_PATH:-}" ] && [ ! -e /usr/local/cuda ] && ! ldconfig -p 2>/dev/null | grep -q 'libnvrtc\.so' && bash tests/get-nvrtc.sh; then
    export ANDREA_NVRTC_PATH="$PWD/artifacts/nvrtc"
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dotnet exec tests/Andrea.Tests/bin/Release/net10.0/Andrea.Tests.dll -noColor "$@" 2>&1 | tee "$log"
status=${PIPESTATUS[0]}
# The runner closes with: Total: 3, Errors: 0, Failed: 0, Skipped: 0, ...
summary=$(grep -Eo 'Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+' "$log" | tail -1 | tr -dc '0-9 ')
if [ -z "$summary" ]; then
    echo "The test program ended with status $status and no summary."
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
read -r total errors failed skipped <<<"$summary"
if [ "$total" -eq 0 ]; then
    echo "No test matched."
    status=1
fi
if [ $# -eq 0 ]; then
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
        echo "There is no python3 of version 3.9 or newer, so the tests of benchmarks/peers did not run."
    elif ! python3 -m unittest discover -s benchmarks/peers; then
        echo "The tests of benchmarks/peers failed."
        failed=$((failed + 1)) total=$((total + 1)) status=1
    fi
fi
# What failed is said again here: a long run's output is often kept from its end only.
awk '/\[FAIL\]$/ { on = 1 } /\[(SKIP|PASS)\]$|^  Finished:/ { on = 0 } on' "$log"
echo "$((total - failed - skipped)) passed, $((failed + errors)) failed, $skipped skipped"
exit "$status"
