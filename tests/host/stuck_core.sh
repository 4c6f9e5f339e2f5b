#!/usr/bin/env bash
# A core that never gets its MMU on is named with its stage, and the others do the work without it; one that comes late, but in
# time, takes part; one that comes after it was given up sleeps for ever, and disturbs nobody.
# boards: virt rpi3
. "$(dirname "$0")/lib.sh"

mkdir "$work/tree"
tar cf - --exclude=./build --exclude=./.git . | tar xf - -C "$work/tree"
cd "$work/tree"
cp boot/early/start.S hal/aarch64/cores.c "$work"

# change FILE WHERE WHAT: puts lines before the one that is WHERE
change() {
    grep -qxF -- "$2" "$1" || { echo "$1 is not what this test expects"; exit 1; }
    python3 - "$@" << 'END'
import sys
path, where, what = sys.argv[1:]
with open(path) as file:
    lines = file.read().split("\n")
at = lines.index(where)
with open(path, "w") as file:
    file.write("\n".join(lines[:at] + [what] + lines[at:]))
END
}
# one NAME: builds the changed tree, runs it, and leaves the tree as it was
one() {
    build "$1" APP=examples/hwreport
    run_image "$1"
    cp "$output" "$work/$1"
    cp "$work/start.S" boot/early/
    cp "$work/cores.c" hal/aarch64/
}
stage() { grep -qx "  the board's core $2  $3" "$work/$1"; }
all_agree() { grep -qx '  stores of all cores  ok' "$work/$1"; }
cores() { grep -qx "cores: $2 of $2 in use" "$work/$1"; }

change boot/early/start.S '    bl      mmu_on' '    cmp     x22, #2
    b.eq    .'
one stuck
check "stuck: exit status" test "$status" = 0
check "stuck: the stage is named" \
    grep -q 'core 2 stuck at stage 3 (turning its MMU on): going on without it' "$work/raw"
check "stuck: three cores go on" cores stuck 3
check "stuck: they work together" all_agree stuck
check "stuck: the page names its stage" stage stuck 2 'turning its MMU on'
check "stuck: the last core runs" stage stuck 3 runs

# Half a second late, where one minute is granted: whatever else this computer does.
change boot/early/start.S '    bl      mmu_on' '    mrs     x9, cntfrq_el0
    mrs     x10, cntpct_el0
    add     x9, x10, x9, lsr #1
1:  mrs     x10, cntpct_el0
    cmp     x10, x9
    b.lo    1b'
sed -i 's/^#define PATIENCE_NS .*/#define PATIENCE_NS INT64_C(60000000000)/' hal/aarch64/cores.c
one late
check "late, but in time: exit status" test "$status" = 0
check "late, but in time: nobody is missed" test "$(grep -c 'stuck' "$work/raw")" = 0
check "late, but in time: all cores" cores late 4
check "late, but in time: they work together" all_agree late
check "late, but in time: the page" stage late 3 runs

# Core 2 goes on once core 0 has given it up, and core 0 goes on once it sees that.
change boot/early/start.S '    bl      mmu_on' '    cmp     x22, #2
    b.ne    1f
    add     x10, x10, #1
2:  ldr     x9, [x21, #LINE_RELEASE]
    cmp     x9, x10
    b.ne    2b
1:'
change hal/aarch64/cores.c '        uint64_t stage = stage_of(i);' '        if (i == 2) {
            while (stage_of(i) != STAGE_GO) {
            }
            l->release++;
            cache_clean_invalidate(l, sizeof *l);
            while (stage_of(i) != STAGE_MMU) {
            }
        }'
sed -i 's/^    int64_t until = hal_now() + PATIENCE_NS;/    int64_t until = hal_now() + (i == 2 ? 1 : PATIENCE_NS);/' hal/aarch64/cores.c
one gone
check "too late: exit status" test "$status" = 0
check "too late: it is given up" grep -q 'core 2 stuck at stage 4 (MMU on): going on without it' "$work/raw"
check "too late: three cores go on" cores gone 3
check "too late: they work together" all_agree gone
check "too late: the page" stage gone 2 'came too late'

exit $((failures > 0))
