#!/usr/bin/env bash
# The protocols of the scheduler as Spin models, with liveness, and mutants that must fail (tests/spin).
# boards: host
exec "$(dirname "$0")/../spin/run.py"
