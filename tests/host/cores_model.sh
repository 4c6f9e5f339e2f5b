#!/usr/bin/env bash
# Cores that retire and come back, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" cores
