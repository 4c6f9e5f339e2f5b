#!/usr/bin/env bash
# Channels, select, limits and contexts, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" select
