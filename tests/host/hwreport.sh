#!/usr/bin/env bash
# The page about a board: what QEMU's firmware says of itself stands in it, and every part has figures.
# boards: rpi3 rpi4 virt
. "$(dirname "$0")/lib.sh"

build hwreport APP=examples/hwreport
run_image hwreport

fact() { grep -qxE "  $1 +$2" "$output"; }
check "exit status" test "$status" = 0
case $board in
rpi3) revision=a02082 ;;
rpi4) revision=b03115 ;;
esac
if [ "$board" = virt ]; then
    check "a board without facts" grep -qx '  says nothing of itself' "$output"
else
    check "board revision" fact 'board revision' "$revision"
    check "RAM of the cores" fact 'RAM of the cores' '1006632960 bytes'
    check "clock of the cores" fact 'clock of the cores' '700000000 Hz'
    check "temperature" fact 'temperature' '25000 millidegrees'
    check "throttled" fact 'throttled' 0
    check "last reset" fact 'last reset' power
    check "the UART's clock divided" fact 'divisor of the PL011' '104 64ths'
    check "the counter by the system timer" grep -qE '^  counter of the cores +6[0-4][0-9]{6} Hz' "$output"
fi
check "stores of all cores" fact 'stores of all cores' ok
case $board in
rpi3 | rpi4) check "DMA" fact 'DMA and caches' ok ;;
*) check "no DMA" fact 'DMA and caches' 'none here' ;;
esac
check "random numbers" fact 'random numbers' "$(test "$board" = rpi4 && echo 'none here' || echo ok)"
check "each sleep is counted" test "$(awk '$1 == "less" { n += $NF } END { print n }' "$output")" = 500
check "each core answers" test "$(grep -cE '^  core 0 and core [0-3] +least [0-9]+, ' "$output")" = 4
check "each core's counters" test "$(grep -cE '^  core [0-3]: [0-9]+ switches' "$output")" = 4
check "how far each core came" test "$(grep -cE "^  the board's core [0-3]  runs$" "$output")" = 4
emulator() { grep -qx "All times and cycles here are an emulator's: they say nothing of a board." "$output"; }
check "an emulator is told" emulator
check "it comes to its end" grep -qx -- '---- end ----' "$output"

# Its second part, and the one line that stands before figures in wall time. QEMU's cores count a cycle a nanosecond.
if [ "$board" != rpi4 ]; then
    build bench APP=bench
    run_image bench --facts
    line='bench board: clock of the cores 700000000 Hz, temperature 25000 millidegrees, throttled 0x0'
    check "make bench MODE=wall: the board's line" test "$(grep '^bench board' "$output")" = "$(test "$board" = rpi3 && echo "$line")"
    run_image bench --cycles --bench=yield_2,bytes_per_parked_g
    check "the bench in cycles: status" test "$status" = 0
    check "a core's clock" grep -qE '^  clock of a core +(9[0-9]{2}|10[0-9]{2})\.[0-9] MHz$' "$output"
    check "a row in cycles" grep -qE '^  yield_2 +1 core +[0-9]+\.[0-9]{2}$' "$output"
    check "no row that is no time" test "$(grep -c core "$output")" = 2
    if [ "$board" = rpi3 ]; then
        check "it says whose figures these are" grep -qx "  these are the emulator's, and say nothing of a board" "$output"
    fi
fi

exit $((failures > 0))
