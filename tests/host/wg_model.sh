#!/usr/bin/env bash
# The wait group, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" wg
