#!/usr/bin/env bash
# Timers: firing, stopping, setting anew and freeing, on the whole scheduler under a model checker (tests/model).
# boards: host
exec "$(dirname "$0")/../model/run.sh" timer
