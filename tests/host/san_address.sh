#!/usr/bin/env bash
# SAN=address finds accesses out of bounds and to what was given back, and nothing else. On a machine the report says
# who did it, what was touched, and who had allocated and freed it.
# boards: host virt
. "$(dirname "$0")/san_lib.sh"

need_sanitizer address
build san SAN=address APP=tests/programs/san_address
for what in heap_overflow use_after_free stack_overflow global_overflow dead_stack; do
    reports $what 66 'touch'
    check "$what: ends there" test "$(grep -c 'went on' "$output")" = 0
done
reports freed_channel 66 'chan_try_send'

if [ "$board" != host ]; then
    main='by goroutine 1 "main"'
    reports heap_overflow 66 'of 1 bytes at 0x[0-9a-f]*: outside of an object' "done $main on core" \
        '0 bytes behind an object of 20 bytes' "allocated $main"
    reports heap_underflow 66 '1 bytes before an object of 20 bytes' "allocated $main"
    reports use_after_free 66 'what was given back' '7 bytes into an object of 100 bytes' "allocated $main" "freed $main"
    reports use_by_another 66 'done by goroutine [0-9]* "reader"' 'allocated by goroutine [0-9]* "maker"' \
        'freed by goroutine [0-9]* "maker"' 'makes_and_frees'
    reports freed_twice 66 'free of 0x[0-9a-f]*: freed before' 'freed_twice' "allocated $main" "freed $main"
    reports freed_inside 66 'free of 0x[0-9a-f]*: malloc() has not given it' 'freed_inside'
    reports stack_overflow 66 'outside of a variable on the stack'
    reports block_ended 66 'a variable whose block has ended'
    reports global_overflow 66 '0 bytes behind table of 20 bytes (.*main.c)'
    reports dead_stack 66 'the stack of a goroutine that has ended'
    reports freed_channel 66 'chan_make' "allocated $main" "freed $main"
    reports copies 66 'write of 21 bytes' 'copies' '0 bytes behind an object of 20 bytes'
    reports prints 66 'write of' '0 bytes behind an object of 20 bytes'
    reports receives 66 'chan_recv' 'outside of a variable on the stack'
fi
quiet clean

exit $((failures > 0))
