#!/usr/bin/env bash
# SAN=scheduler finds a race in the scheduler itself: a spinlock that orders nothing is planted in a copy.
# boards: host
. "$(dirname "$0")/san_lib.sh"

need_sanitizer thread
mkdir "$work/tree"
tar cf - --exclude=./build --exclude=./.git --exclude=./.cache . | tar xf - -C "$work/tree"
build san SAN=scheduler APP=tests/programs/san_race
quiet clean
cd "$work/tree"
sed -i 's/memory_order_release/memory_order_relaxed/' sched/spinlock.h
cmp -s sched/spinlock.h "$OLDPWD/sched/spinlock.h" && { echo "spinlock.h is not what this test expects"; exit 1; }
build san SAN=scheduler APP=tests/programs/san_race
reports clean 66 'WARNING: ThreadSanitizer: data race' './sched/'

exit $((failures > 0))
