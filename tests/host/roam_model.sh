#!/usr/bin/env bash
# The line that roams is at a core that sleeps, under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" roam
