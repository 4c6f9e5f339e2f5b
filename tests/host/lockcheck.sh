#!/usr/bin/env bash
# The runtime's lock discipline, checked by clang; and that the check notices planted faults (tools/lockcheck.sh).
# boards: host
exec "$(dirname "$0")/../../tools/lockcheck.sh"
