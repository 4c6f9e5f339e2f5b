#!/usr/bin/env bash
# Lock discipline: clang's -Wthread-safety over all of sched/ (sched/lockcheck.h).
#
# On the host's port, whose functions are declared before they are defined, so that words can be added to them. Then
# the check itself is checked: with a fault planted into a copy, it must complain.
set -eu
cd "$(dirname "$0")/.."
if ! command -v clang > /dev/null; then
    echo "no clang here: run \`make setup\`"
    exit 77
fi

check() { # in the current folder
    local file failed=0
    for file in sched/*.c; do
        clang -std=c11 -DHAL_HOST -DLOCK_CHECK -fsyntax-only -Wthread-safety -Werror -I. -Iinclude "$file" || failed=1
    done
    return $failed
}

# plant WHAT FILE OLD NEW: OLD stands in FILE; with NEW in its place the check fails.
plant() {
    local copy
    copy=$(mktemp -d)
    cp -r sched hal include "$copy"
    python3 - "$copy/$2" "$3" "$4" <<'END'
import sys
path, old, new = sys.argv[1:]
with open(path) as file:
    text = file.read()
if old not in text:
    sys.exit(f"lockcheck: {old!r} stands no more in {path}")
with open(path, "w") as file:
    file.write(text.replace(old, new, 1))
END
    if ! (cd "$copy" && check 2>&1 || true) | grep -q 'Wthread-safety'; then # no other complaint counts
        echo "FAIL planted, and not noticed: $1"
        exit 1
    fi
    rm -r "$copy"
    echo "ok   planted, and noticed: $1"
}

check
echo "ok   lock discipline of $(ls sched/*.c | wc -l) files; unchecked are" \
    "$(grep -h 'UNCHECKED' sched/*.[ch] | grep -vc '#define') functions"
plant 'an unlock is missing' sched/runq.c '    spin_unlock_masked(&globq.lock);
' ''
plant 'an unlock is missing on one path' sched/wg.c 'spin_unlock(&w->lock, was);
        return 0;
' 'return 0;
'
plant 'a lock is taken with interrupts open' sched/pages.c 'hal_irq_t was = spin_lock(&pool.lock);' \
    'hal_irq_t was = 0; spin_lock_masked(&pool.lock);'
plant 'a G is made ready with interrupts open' sched/schedule.c 'hal_irq_t was = hal_irq_save();' 'hal_irq_t was = 0;'
plant 'the core is asked for with interrupts open' sched/go.c 'static bool cache_dead_of_others(void) {
' 'static bool cache_dead_of_others(void) {
    this_core()->dead_top++;
'
plant 'the heap is changed without its lock' sched/alarm.c '    spin_lock_masked(&h->lock);
    if (alarms_in(h) != 1' '    if (alarms_in(h) != 1'
