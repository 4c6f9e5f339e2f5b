#!/usr/bin/env bash
# Experiments: docs/EXPERIMENTS.md is what its tables say, a sentence that does not hold is found, a run repeats to the last
# digit, each workload runs.
# boards: virt host
. "$(dirname "$0")/lib.sh"

refused() { # COMMAND...: status 2, and one line
    local got=0
    "$@" > "$work/line" 2>&1 || got=$?
    test "$got" = 2 && test "$(wc -l < "$work/line")" = 1
}

build experiment APP=examples/experiment
run_image experiment --work=none
check "an unknown workload ends with status 2" test "$status" = 2
check "and one line that has them all" grep -qE '^experiment: --work=none: there is .*--work=tree ' "$output"
works=$(grep -oE -- '--work=\w+ \(' "$output" | sed -E 's/.*=(\w+) .*/\1/')
run_image experiment --work=mix --gs=0
check "so does a number that is none of its, in a line" eval 'test "$status" = 2 && grep -q "^experiment: --gs=0: a number from 1 " "$output"'
run_image experiment --work=mix --depth=3
check "a word that a workload has not ends with status 2" eval 'test "$status" = 2 && grep -q "^experiment: --depth=3: " "$output"'

if [ "$board" = host ]; then
    for name in $works; do
        run_image experiment "--work=$name" --cores=2
        check "$name tells a row" eval 'test "$status" = 0 && grep -qE "^row( [a-z_]+=-?[0-9]+)+$" "$output"'
    done
    check "wall time is told beside the table" \
        eval 'tools/experiment.py --board host 9 > "$work/wall" && grep -qE "^  runnext=off, 18 +[0-9.]+ / [0-9.]+$" "$work/wall"'
    exit $((failures > 0))
fi

check "make experiment E=99 is refused in a line" refused make -s experiment E=99
check "the line has the others" grep -q 'E=99 is unknown; there is .*2 .*6' "$work/line"
check "what docs/EXPERIMENTS.md says holds" tools/experiment.py --check

mkdir "$work/other"
cp docs/experiments/E* "$work/other"
sed -i -E 's/^wait,[0-9]+/wait,1000/' "$work/other/E6.csv"
check "a sentence that does not hold in its table is found" \
    eval '! tools/experiment.py --check --out "$work/other" > "$work/wrong" && grep -q "E6: this does not hold: Where it waits" "$work/wrong"'
check "and that text and table are not of one run" grep -q 'E6.md is not made of its table' "$work/wrong"

build lockstep APP=examples/experiment CONFIG=-DCONFIG_LOCKSTEP=1 # here it is not silent
status=0
tools/experiment.py --twice 3 6 || status=$?
[ "$status" != 77 ] || exit 77
check "two experiments' runs and traces come out the same once more" test "$status" = 0

status=0
tools/saga.py --all | tee "$work/saga" || status=$?
check "make saga's pages hold" test "$status" = 0
check "they are seven, with a chart each" test "$(grep -cE '^[1-7] of 7\. ' "$work/saga") $(grep -c '^  core 0 |' "$work/saga")" = "7 7"
check "in eighty columns" eval '! grep -qE "^.{81}" "$work/saga"'

check "its keys: wrong ones are answered, b goes back, q ends, the terminal is as it was" python3 - << 'END'
import os, pty, select, subprocess, termios
keyboard, end = pty.openpty()
found = termios.tcgetattr(end)
child = subprocess.Popen(["tools/saga.py"], stdin=end, stdout=end, stderr=end)
text = ""
for n, key in enumerate((b"x", b"\x1b[A", b"b", b"q"), 1):
    while text.count("q ends: ") < n:
        assert select.select([keyboard], [], [], 120)[0], text
        text += os.read(keyboard, 4096).decode()
    os.write(keyboard, key)
    print(f"key {n}", flush=True)
assert child.wait(60) == 0 and termios.tcgetattr(end) == found
assert text.count("1 of 7.") == 2 and "2 of 7" not in text, text
END

exit $((failures > 0))
