#!/usr/bin/env bash
# Fuzzers of what reads bytes from outside, three seconds each (tests/fuzz; longer: make verify ONLY=fuzz).
# boards: host
set -eu
exec "$(dirname "$0")/../fuzz/run.sh" 3
