#!/usr/bin/env bash
# How much of sched/ and hal/ the tests run on the host, against its floors; with the boards: `make coverage`.
# boards: host
exec "$(dirname "$0")/../../tools/coverage.py" --quick
