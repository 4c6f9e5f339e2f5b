#!/usr/bin/env bash
# Files on the disk: what a program writes is what mtools finds and fsck finds in order, on a whole disk and in a
# partition; the other way round; full, not there, no file system, errors of the disk.
# boards: virt rpi3 rpi4
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C.UTF-8 # mtools: what names are written in
for tool in mformat fsck.fat; do
    command -v $tool > /dev/null || { echo "no $tool here: run \`make setup\`"; exit 77; }
done
[ -e .cache/fatfs/ff.c ] || { echo 'no FatFs here: run `make setup`'; exit 77; }

build disk APP=tests/programs/disk
card=$work/card.img
at=0
# new_card MIB: virt's is a file system, the Pis' has a partition table
new_card() {
    rm -f "$card"
    truncate -s "$1M" "$card"
    if [ "$board" != virt ]; then
        at=1048576
        python3 - "$card" <<'END'
import struct, sys
with open(sys.argv[1], "r+b") as file:
    sectors = file.seek(0, 2) // 512
    file.seek(446)
    file.write(struct.pack("<B3sB3sII", 0, bytes(3), 0x0c, bytes(3), 2048, sectors - 2048) + bytes(48) + b"\x55\xaa")
END
    fi
    mformat -i "$card@@$at" -T $((($1 << 11) - at / 512)) -h 64 -s 32 -c 8 ::
}
run_disk() { # ARGUMENT...: as run_image, with the card in its slot
    local rest=()
    [ ! -e "$card" ] || rest=(--disk "${disk:-$card}")
    status=0
    tools/run.py --board "$board" --image "$work/images/disk" --timeout 120 "${rest[@]}" --args "$*" < /dev/null \
        > "$work/raw" 2> "$work/err" || status=$?
    tr -d '\r' < "$work/raw" | sed '0,/^Bareloom on /d' > "$work/output"
    [ "$status" != 77 ] || exit 77
}
said() { grep -qxF "$1" "$work/output" || { echo "wanted: $1"; sed 's/^/    /' "$work/output" "$work/err"; return 1; }; }
clean() {
    dd if="$card" of="$work/volume" bs=1M skip=$((at >> 20)) status=none
    fsck.fat -n "$work/volume" > "$work/fsck" 2>&1 || { cat "$work/fsck"; return 1; }
}

rm -f "$card"
run_disk size= cat=/sd/x append=/sd/x
check "no disk: size" said "size : No such device"
check "no disk: open" said "append /sd/x: No such device"

truncate -s 4M "$card"
run_disk cat=/sd/x
check "no file system" said "cat /sd/x: No such device or address"

new_card 4
printf 'from mtools\nlast line\n' > "$work/text"
mcopy -i "$card@@$at" "$work/text" '::Größe&Co.txt'
run_disk size= edge= list=/sd/ cat=/sd/gRÖSSE "cat=/sd/gRÖßE\&co.TXT" folder=/sd/logs folder=/sd/logs \
    put=/sd/big append=/sd/a move=/sd/a append=/sd/a append=/sd/a hole=/sd/hole two=/sd/a move=/sd/a crowd= \
    list=/sd/logs append=/sd/b remove=/sd/b remove=/sd/b remove=/sd/logs list=/nowhere
check "size" said "size : done"
check "all its sectors" said "$((4 << 11)) sectors"
check "the last sector" said "edge : done"
check "list" said "file Größe&Co.txt 22"
check "a file that is not there" said "cat /sd/gRÖSSE: No such file or directory"
check "upper and lower case" said "cat /sd/gRÖßE&co.TXT: done"
check "what is in it" said "| last line"
check "a folder" said "folder /sd/logs: done"
check "a folder once more" said "folder /sd/logs: File exists"
check "a large file, there and back" said "put /sd/big: done"
check "a hole" said "hole /sd/hole: done"
check "open twice" said "two /sd/a: Device or resource busy"
check "another name, and one that is there" [ "$(grep -cxF "move /sd/a: done" "$work/output")" = 2 ]
check "eight at once" said "crowd : done"
check "their files" test "$(grep -c '^file writer [0-7].txt 390$' "$work/output")" = 8
check "remove" said "remove /sd/b: done"
check "remove once more" said "remove /sd/b: No such file or directory"
check "a folder that is not empty" said "remove /sd/logs: Permission denied"
check "a folder that is none" said "list /nowhere: No such file or directory"
check "in order" clean
mkdir "$work/out"
mcopy -s -i "$card@@$at" '::*' "$work/out"
pattern() {
    python3 - "$work/out" <<'END'
import sys
folder = sys.argv[1]
want = bytes((i * 2654435761 & 0xffffffff) >> 24 for i in range(300000))
assert open(f"{folder}/big", "rb").read() == want, "big"
assert open(f"{folder}/hole", "rb").read() == bytes(5000) + b"end", "hole"
assert open(f"{folder}/a.old").read() == "one more\n" * 2, "a.old"
for w in range(8):
    lines = "".join(f"line {i} of writer {w}\n" for i in range(20))
    assert open(f"{folder}/logs/writer {w}.txt").read() == lines, w
END
}
check "what mtools reads" pattern

new_card 2
run_disk fill=/sd/all append=/sd/all append=/sd/more remove=/sd/all append=/sd/more
check "full" said "fill /sd/all: No space left on device"
check "room again" said "append /sd/more: done"
check "in order after it" clean

# The emulator's SD card does not pass errors on, its virtio disk does.
if [ "$board" = virt ]; then
    rule() { printf '[inject-error]\nevent = "%s"\nerrno = "5"\n%s\n' "$1" "${2:-}" > "$work/rules"; }
    disk=blkdebug:$work/rules:$card
    rule write_aio 'once = "on"'
    run_disk append=/sd/again
    check "a write that fails once" said "append /sd/again: done"
    for i in 1 2 3; do rule write_aio 'once = "on"'; cat "$work/rules"; done > "$work/thrice"
    mv "$work/thrice" "$work/rules"
    run_disk append=/sd/again append=/sd/again
    check "a write that fails as the file is closed" said "append /sd/again: I/O error"
    check "and the file can be opened again" [ "$(tail -n 1 "$work/output")" = "append /sd/again: done" ]
    rule read_aio
    run_disk cat=/sd/again
    check "reads that fail always" said "cat /sd/again: I/O error"
fi

# examples/logger, with somebody who types and never pauses for a second.
build logger APP=examples/logger
new_card 4
mapfile -t command < <(tools/run.py --show --board "$board" --image "$work/images/logger" --disk "$card" | xargs -n1)
: > "$work/output"
types() {
    for ((i = 0; i < 300; i++)); do
        sleep 0.2
        ! grep -q 'Ctrl-D ends it' "$work/output" || break
    done
    printf 'first\nsecond one\n'
    for ((i = 0; i < 100; i++)); do
        sleep 0.3
        ! grep -qa 'second one' "$card" || { touch "$work/safe"; break; }
        ((i % 30 != 29)) || echo 'not on the card yet' >&2
        printf 'x\n'
    done
    printf 'third\n\004'
    sleep 1
}
types | timeout 120 "${command[@]}" > "$work/output" 2> "$work/err"
check "logger: what is typed is safe although more comes" [ -e "$work/safe" ]
mcopy -i "$card@@$at" ::log.txt "$work/log.txt"
check "logger: what was typed" diff <(printf 'first\nsecond one\nthird\n') <(cut -d' ' -f2- "$work/log.txt" | grep -vx x)
exit $((failures != 0))
