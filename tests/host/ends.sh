#!/usr/bin/env bash
# Programs that end in a deadlock or a panic of goroutine 1: words and status.
# boards: virt rpi3 host
. "$(dirname "$0")/lib.sh"

# ends NAME ARGUMENT TEXT...: the program ends with status 2, and its output has each text.
ends() {
    local name=$1 argument=$2 text
    shift 2
    run_image ends "$argument"
    check "$name: status 2" test "$status" = 2
    for text; do
        check "$name: $text" grep -qF -- "$text" "$output"
    done
}

asleep='fatal error: all goroutines are asleep - deadlock!'
none='fatal error: no goroutines (main called runtime.Goexit) - deadlock!'

build ends APP=tests/programs/ends
ends TestSimpleDeadlock simple_deadlock "$asleep" 'goroutine 1 [chan receive]: "main"'
if [ "$board" != host ]; then # there the host's C library runs constructors, before there is a goroutine
    ends TestInitDeadlock init_deadlock "$asleep" 'goroutine 1 [chan receive (nil chan)]: "main"'
fi
ends TestNetpollDeadlock after_reading "$asleep"
ends TestGoexitDeadlock goexit_deadlock "$none"
ends goexit_one_left goexit_one_left "$asleep" 'goroutine 2 [chan receive]: "left"'
ends TestGoexitInPanic goexit_in_panic "$none"
ends TestPanicAfterGoexit panic_after_goexit 'panic: hello'
ends TestMainGoroutineID main_panics 'panic: test' 'goroutine 1 [running]: "main"'
ends TestPanicWhileReturning return_in_panic 'panic: slow'

ends bad_word schedtrace=often 'schedtrace=often: schedtrace= wants a number from 0 to 3600000'
check "bad_word: one line" test "$(wc -l < "$output")" = 1
ends bad_policy policy=best 'policy=best: there is policy=gmp policy=fifo '
check "bad_policy: one line" test "$(wc -l < "$output")" = 1
ends bad_model model=best 'model=best: there is model=m-n '
check "bad_model: one line" test "$(wc -l < "$output")" = 1
ends bad_knob steal=all 'steal=all: steal= wants half or one or off or a number from 1 to 128'
check "bad_knob: one line" test "$(wc -l < "$output")" = 1
ends bad_slice slice=10 'slice=10: slice= wants a time from 10us to 1s, as 500us or 10ms'
check "bad_slice: one line" test "$(wc -l < "$output")" = 1

exit $((failures > 0))
