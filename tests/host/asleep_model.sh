#!/usr/bin/env bash
# The check for deadlock under a model checker (tests/model): no false alarm, and no deadlock unnoticed.
# boards: host
exec "$(dirname "$0")/../model/run.sh" asleep
