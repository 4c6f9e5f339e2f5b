#!/usr/bin/env bash
# OpenOCD's files, as far as they can be tried without a board: they are read, make one target of four cores, and do
# the right things in the right order to cores that only note them; bad ADAPTERs; gdb-jtag, with QEMU in OpenOCD's place.
# boards: rpi3 rpi4
. "$(dirname "$0")/lib.sh"

if ! command -v openocd > /dev/null; then
    echo "no openocd here: run make setup"
    exit 77
fi
declare -A chips=([rpi3]=bcm2837 [rpi4]=bcm2711) power=([rpi3]=0x3f1000 [rpi4]=0xfe1000)
chip=${chips[$board]} power=${power[$board]}
script=boards/$board/openocd.cfg

# ocd FILE ARGUMENT...: reads FILE as the board's, then the arguments; what it says is in $work/said.
ocd() {
    local file=$1
    shift
    openocd -s . -f interface/dummy.cfg -f "$file" -c noinit "$@" -c shutdown > "$work/said" 2>&1
}

check "its targets" ocd "$script" -c "
    if {[target names] ne {$chip.ap $chip.cpu0 $chip.cpu1 $chip.cpu2 $chip.cpu3}} {shutdown error}
    foreach cpu [cpus] { if {[\$cpu cget -type] ne {aarch64}} {shutdown error} }"
check "each core is a thread to gdb" test "$(grep -c 'Hardware thread awareness' "$work/said")" = 4
check "breakpoints in read-only text" grep -q 'force hard breakpoints' "$work/said"
sed 's/^one_target_of_four$/one_target_of_five/' "$script" > "$work/broken.cfg"
check "a broken file is noticed" sh -c "! openocd -s . -f interface/dummy.cfg -f $work/broken.cfg -c noinit -c shutdown \
    > /dev/null 2>&1"

# steps EL: of a load on cores that are found at this level, in $work/steps.
steps() {
    ocd "$script" -c "set EL $1" -f tests/host/jtag_steps.tcl || cat "$work/said"
    sed -n 's/^step: //p' "$work/said" > "$work/steps"
}
steps 2
{
    echo "targets $chip.cpu0"
    echo halt
    for i in 0 1 2 3; do echo "$chip.cpu$i arp_waitstate halted 2000"; done
    echo "load_image /image 0x80000 bin"
    echo "$chip.cpu0 set_reg {pc 0x80000}"
    echo resume
} > "$work/expected"
check "halt all, load, resume all" diff "$work/expected" "$work/steps"
steps 1
check "the watchdog is set" grep -qx "$chip.cpu0 mww phys $((power * 256 + 0x24)) 0x5a00000a" "$work/steps"
check "and ends what runs" grep -qx "$chip.cpu0 mww phys $((power * 256 + 0x1c)) 0x5a000020" "$work/steps"
check "all four are found again" test "$(grep -c arp_examine "$work/steps")" = 4
check "and then it is loaded" test "$(tail -n 1 "$work/steps")" = resume

# ---- adapters -------------------------------------------------------------------------------------------------
for adapter in $(python3 -c 'import sys; sys.path.insert(0, "tools"); import jtag; print(*jtag.ADAPTERS)'); do
    line=$(tools/jtag.py --board "$board" --adapter "$adapter" --image x --attach --show)
    check "$adapter is OpenOCD's" sh -c "${line% -c init} -c noinit -c shutdown > $work/said 2>&1"
done
refused() { # WHAT ARGUMENT...: one line, status 2
    local what=$1 status=0
    shift
    tools/jtag.py --image x "$@" > "$work/said" 2>&1 || status=$?
    check "$what: status 2" test "$status" = 2
    check "$what: one line" test "$(wc -l < "$work/said")" = 1
}
refused "no ADAPTER" --board "$board"
refused "an unknown ADAPTER" --board "$board" --adapter nothing
check "the known ones are named" grep -q 'ADAPTER=nothing is unknown; it is one of: busblaster .*um232h' "$work/said"
refused "a board without JTAG" --board virt --adapter jlink
check "those with it are named" grep -q 'it is one of: rpi3 rpi4' "$work/said"

# ---- the card -------------------------------------------------------------------------------------------------
if command -v mcopy > /dev/null && tools/firmware.sh > /dev/null 2>&1; then
    tools/sdcard.py --board "$board" --kernel none --jtag --out "$work/card.img" > /dev/null
    for file in config.txt kernel8.img; do
        MTOOLS_SKIP_CHECK=1 mcopy -i "$work/card.img@@1M" "::$file" "$work/$file"
    done
    check "JTAG is on the header" grep -qx enable_jtag_gpio=1 "$work/config.txt"
    check "and the rest is the board's" grep -qxf "boards/$board/config.txt" "$work/config.txt"
    aarch64-linux-gnu-objdump -D -b binary -m aarch64 "$work/kernel8.img" > "$work/loop"
    check "the kernel waits" sh -c "grep -q '0:.*wfe' $work/loop && grep -qE '4:.*b.0x0' $work/loop"
else
    echo "the card is not tried: no mtools or no firmware here"
fi

# ---- gdb ------------------------------------------------------------------------------------------------------
build app APP=tests/host/gdb_app
gdb_jtag() {
    tools/debug.py --board "$board" --image "$work/images/app" --elf "$work/images/app.elf" --remote "$@" < /dev/null \
        > "$work/said" 2>&1 || { echo "FAIL gdb ends with status $?" && cat "$work/said" && exit 1; }
}
check "nobody there: an error" sh -c '! "$@"' - tools/debug.py --board "$board" --image x --elf x --remote localhost:1
if command -v gdb-multiarch > /dev/null; then
    qemu=$(tools/run.py --board "$board" --image "$work/images/app" --show) || { echo "$qemu"; exit 77; }
    # It inherits a socket that has its port already: nobody else can take it, and gdb may connect before QEMU listens.
    cat > "$work/start.py" << 'END'
import os, socket, sys
server = socket.create_server(("localhost", 0))
server.set_inheritable(True)
with open(sys.argv[1] + ".new", "w") as file:
    print(server.getsockname()[1], file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
cmd = [*sys.argv[2:], "-S", "-chardev", f"socket,id=gdb,fd={server.fileno()},server=on,wait=off", "-gdb", "chardev:gdb"]
os.execvp(cmd[0], cmd)
END
    python3 "$work/start.py" "$work/port" $qemu < /dev/null > "$work/console" 2>&1 &
    qemu=$!
    trap 'kill "$qemu" 2> /dev/null || true; rm -rf "$work"' EXIT
    until [ -e "$work/port" ]; do sleep 0.1; done
    gdb_jtag "localhost:$(cat "$work/port")" -- -batch -ex 'break all_set' -ex continue -ex 'info gs' -ex 'info threads'
    check "gdb knows goroutines there" grep -qE '^ +[0-9]+  receiver +chan receive .* wait_for_number ' "$work/said"
    check "and four cores" grep -qE '^[* ] 4 +Thread' "$work/said"
    [ "$failures" = 0 ] || cat "$work/said" "$work/console"
fi

exit $((failures > 0))
