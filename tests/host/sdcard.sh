#!/usr/bin/env bash
# make sdcard: what lies on the card, that the kernel taken out of it runs with the card's command line, bad input.
# boards: rpi3 rpi4
. "$(dirname "$0")/lib.sh"

if ! tools/firmware.sh > "$work/folder" 2> "$work/why"; then
    cat "$work/why"
    exit 77
fi
command -v mcopy > /dev/null || { echo 'no mtools here: run `make setup`'; exit 77; }
firmware=$(cat "$work/folder")
setting() { sed -n "s/^$1 *:= //p" "boards/$board/board.mk"; }

mkdir -p build
(
    flock 9
    make -s "BOARD=$board" sdcard ARGS=--batch
    folder=$(dirname "$(make -s "BOARD=$board" image-path)")
    cp --sparse=always "$folder/sdcard.img" "$work/card.img"
    cp "$folder/kernel8.img" "$work/kernel8.img"
    # As a person has it, not -s: nothing is run, but each line of it goes through the shell.
    env -u MAKEFLAGS make -n -W boot/chain/main.c "BOARD=$board" sdcard CHAIN=1 > "$work/rules"
) 9> build/.lock
check "the loader's card is made" grep -q -- '--kernel [^ ]*/chain/chain\.img' "$work/rules"
check "the loader's rules are what a shell takes" sh -n "$work/rules"

partition() {
    python3 - "$work/card.img" <<'END'
import os, struct, sys
size = os.path.getsize(sys.argv[1])
with open(sys.argv[1], "rb") as file:
    first = file.read(512)
    assert size & (size - 1) == 0, "not a power of two"
    assert first[510:] == b"\x55\xaa", "no boot record"
    kind, (start, sectors) = first[450], struct.unpack_from("<II", first, 454)
    assert kind == 0x0c and start == 2048 and (start + sectors) * 512 == size, (kind, start, sectors)
    assert not any(first[462:510]), "more than one partition"
    file.seek(start * 512)
    boot = file.read(512)
assert boot[510:] == b"\x55\xaa" and boot[82:90] == b"FAT32   ", "no FAT32"
reserved, fats, hidden, total = (struct.unpack_from(f, boot, at)[0] for f, at in
                                 (("<H", 14), ("<B", 16), ("<I", 28), ("<I", 32)))
fat_sectors, per_cluster = struct.unpack_from("<I", boot, 36)[0], boot[13]
assert hidden == start and total == sectors, (hidden, total)
clusters = (total - reserved - fats * fat_sectors) // per_cluster
assert 65525 <= clusters <= fat_sectors * 128 - 2, clusters
END
}
check "partition and file system" partition

mkdir "$work/card"
MTOOLS_SKIP_CHECK=1 mcopy -i "$work/card.img@@1M" '::*' "$work/card"
for name in $(setting FIRMWARE) LICENCE.firmware; do
    check "$name is the package's" cmp "$firmware/$name" "$work/card/$name"
done
check "config.txt is the board's" cmp "boards/$board/config.txt" "$work/card/config.txt"
check "config.txt loads it where it is linked" grep -qx "kernel_address=$(setting LOAD_ADDR)" "$work/card/config.txt"
check "kernel8.img is what was built" cmp "$work/kernel8.img" "$work/card/kernel8.img"
check "cmdline.txt" test "$(cat "$work/card/cmdline.txt")" = "-- --batch"
check "nothing else" test "$(ls "$work/card" | wc -l)" = $(($(setting FIRMWARE | wc -w) + 4))

# As a board would: the card in its slot, no semihosting, the firmware's own words before the card's. The status
# stands in the last line, since exit=reset is among the words.
boot() {
    python3 - "$board" "$work" "$1" > "$work/boot.cmd" <<'END'
import shlex, sys
sys.path.insert(0, "tools")
import run
name, work, line = sys.argv[1:]
board = run.load_board(name)
if why := run.cannot_run(board):
    sys.exit(f"{why}")
cmd = run.command(board, f"{work}/card/kernel8.img", extra=[
    "-no-reboot", "-append", line, "-drive", f"if=sd,format=raw,file={work}/card.img"])
at = cmd.index("-semihosting-config")
print(shlex.join(cmd[:at] + cmd[at + 2:]))
END
    eval "timeout 300 $(cat "$work/boot.cmd")" < /dev/null | tr -d '\r' > "$output"
}
output=$work/boot.out
why=$(python3 -c "import sys; sys.path.insert(0, 'tools'); import run
print(run.cannot_run(run.load_board('$board')) or '')")
if [ -n "$why" ]; then
    echo "$why"
    exit 77
fi
long=$(printf 'firmware.word%d=0123456789 ' $(seq 12)) # QEMU has 400 characters between its list and its stub
boot "$long exit=reset $(cat "$work/card/cmdline.txt")"
check "four cores" grep -q '^Bareloom on .*: 4 cores' "$output"
check "the main job" grep -qE '^ +567060  bytes' "$output"
check "its status" grep -qx 'Bareloom: exit status 0' "$output"
boot "$long exit=reset -- --bath"
check "the program gets its own words alone" grep -q 'unknown argument "--bath"' "$output"
check "a bad argument's status" grep -qx 'Bareloom: exit status 2' "$output"

# Bad input: one line, a status, nothing written.
says() {
    local words=$1 status=0
    shift
    "$@" > "$work/said" 2>&1 || status=$?
    [ "$status" != 0 ] && [ "$(grep -vc '^make: ' "$work/said")" = 1 ] && grep -q "$words" "$work/said" &&
        return
    cat "$work/said"
    return 1
}
check "another board" says 'BOARD=rpi3 and BOARD=rpi4 do' \
    tools/sdcard.py --board virt --kernel "$work/kernel8.img" --out "$work/none.img"
mkdir "$work/tree" "$work/tree/.cache"
cp -r tools boards "$work/tree"
sed -i 's,^HELPER=.*,HELPER=/nowhere,' "$work/tree/tools/pool.sh" # nothing can be fetched
head -c 100000 /dev/urandom > "$work/tree/.cache/raspi-firmware_1.20240424+ds-6_all.deb" # and another package
check "no firmware to be had" says "raspi-firmware could not be had" \
    "$work/tree/tools/sdcard.py" --board "$board" --kernel "$work/kernel8.img" --out "$work/none.img"
check "nothing written" test ! -e "$work/none.img" -a ! -e "$work/none.img.new" -a ! -e "$work/tree/.cache/firmware"

exit $((failures > 0))
