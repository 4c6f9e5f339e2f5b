#!/usr/bin/env bash
# The model checker itself (tests/model): it finds what is wrong in textbook cases, and nothing in the right ones.
# boards: host
exec "$(dirname "$0")/../model/run.sh" c11
