#!/usr/bin/env bash
# The run queue under a model checker (tests/model): whatever its owner and thieves do at once, each G comes out once.
# boards: host
exec "$(dirname "$0")/../model/run.sh" runq
