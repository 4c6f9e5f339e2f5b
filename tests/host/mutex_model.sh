#!/usr/bin/env bash
# The mutex in both of its modes, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" mutex
