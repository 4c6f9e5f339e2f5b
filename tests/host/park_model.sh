#!/usr/bin/env bash
# Parking and making ready, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" park
