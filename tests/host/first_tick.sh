#!/usr/bin/env bash
# The first goroutine of a core that has not slept yet is preempted like any other.
# boards: virt host
. "$(dirname "$0")/lib.sh"

build first_tick APP=tests/programs/first_tick
status=0
timeout 100 tools/run.py --board "$board" --image "$work/images/first_tick" --smp 1 \
    < /dev/null > "$work/raw" || status=$?
if [ "$status" = 77 ]; then
    cat "$work/raw"
    exit 77
fi
check "exit status" test "$status" = 0
check "the other goroutine had its turn" grep -q '^ran' "$work/raw"

exit $((failures > 0))
