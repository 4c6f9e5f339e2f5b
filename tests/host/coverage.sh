#!/usr/bin/env bash
# Which lines of the runtime the tests run, on boards and host together: not fewer than the floors, and what README
# says (tools/coverage.py).
# boards: host
exec "$(dirname "$0")/../../tools/coverage.py"
