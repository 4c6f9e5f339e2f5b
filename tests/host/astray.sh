#!/usr/bin/env bash
# An image that was loaded to another address than it is linked for says so, and where (HAZARDS 39).
# boards: virt rpi3
. "$(dirname "$0")/lib.sh"
build hello APP=examples/hello
case $board in
    virt) elsewhere=0x48000000 ;;
    *) elsewhere=0x1000000 ;;
esac

# Enters the image there, as a loader with a wrong address in its settings does; it stands still after its words.
command=$(tools/run.py --board "$board" --image IMAGE --show) || exit $?
at="-device loader,file=$work/images/hello,addr=$elsewhere,force-raw=on -device loader,addr=$elsewhere,cpu-num=0"
${command/-kernel IMAGE/$at} < /dev/null > "$work/output" &
machine=$!
for ((seconds = 0; seconds < 60; seconds++)); do
    grep -q 'linked for' "$work/output" && break
    sleep 1
done
kill "$machine"
check "it says where it is" grep -q "loaded at $elsewhere, but linked for 0x" "$work/output"
exit $((failures != 0))
