#!/usr/bin/env bash
# Runnext with its guard and the inbox with its kick, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" next
