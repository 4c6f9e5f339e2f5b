#!/usr/bin/env bash
# 400,000 goroutines wait at the same time in 4 GiB of RAM, each on a guarded stack of 64 KiB; twice.
# boards: virt
. "$(dirname "$0")/lib.sh"

if [ "$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)" -lt 4096 ]; then
    echo "less than 4 GiB of RAM are free here"
    exit 77
fi
build tests APP=tests
tools/run.py --board "$board" --image "$work/images/tests" --memory 4G --timeout 300 \
    --args '--test=parked_400000' < /dev/null | tr -d '\r' > "$work/output"
check "it passes, and is not skipped" grep -q '^ok 1 - parked_400000$' "$work/output"
[ $failures = 0 ] || cat "$work/output"

exit $((failures > 0))
