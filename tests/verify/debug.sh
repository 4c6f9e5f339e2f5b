#!/usr/bin/env bash
# The suite in a build with DEBUG=1: every spinlock is taken in the order of its rank (sched/lockrank.c), and who breaks
# the order is reported.
. "$(dirname "$0")/../host/lib.sh"
build tests APP=tests DEBUG=1

all_pass() {
    run_image tests --group="$1" --short
    [ "$status" = 0 ] || tail -n 30 "$output"
    [ "$status" = 0 ]
}

# dies NAME: with every text that it announces.
dies() {
    run_image tests --test="$1"
    local text
    sed -n 's/^# expect text //p' "$output" > "$work/texts"
    grep -v '^# expect' "$output" > "$work/report"
    while read -r text; do
        grep -qF -- "$text" "$work/report" || return 1
    done < "$work/texts"
    [ "$status" = 2 ] && [ -s "$work/texts" ]
}

for group in unit,boot sched libc stress; do
    check "the tests of $group keep the order" all_pass $group
done
for name in lock_order_broken lock_order_same_rank lock_taken_twice lock_opened_twice; do
    check "$name is reported" dies "$name"
done
exit $((failures != 0))
