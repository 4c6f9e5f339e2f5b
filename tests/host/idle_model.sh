#!/usr/bin/env bash
# The idle protocol under a model checker (tests/model): no wake-up is lost, whatever C11 lets the cores see.
# boards: host
exec "$(dirname "$0")/../model/run.sh" idle
