#!/usr/bin/env bash
# A core that never gets its MMU on is named with its stage, and the others do the work without it.
# boards: virt rpi3
. "$(dirname "$0")/lib.sh"

mkdir "$work/tree"
tar cf - --exclude=./build --exclude=./.git . | tar xf - -C "$work/tree"
cd "$work/tree"
sed -i 's/^    bl      mmu_on$/    cmp     x22, #2\n    b.eq    .\n&/' boot/early/start.S
grep -q 'b.eq    \.$' boot/early/start.S || { echo "start.S is not what this test expects"; exit 1; }
build stuck APP=examples/hello
tools/run.py --board "$board" --image "$work/images/stuck" --timeout 100 < /dev/null > "$work/raw"
status=$?
check "exit status" test "$status" = 0
check "the stage is named" \
    grep -q 'core 2 stuck at stage 3 (turning its MMU on): going on without it' "$work/raw"
check "three cores go on" grep -q ': 3 cores,' "$work/raw"
check "the program runs" grep -q 'Hello from a green thread!' "$work/raw"

exit $((failures > 0))
