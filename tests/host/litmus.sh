#!/usr/bin/env bash
# The barriers of the tree as litmus tests, under ARM's own memory model (tests/litmus).
# boards: host
exec "$(dirname "$0")/../litmus/run.py"
