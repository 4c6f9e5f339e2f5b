#!/usr/bin/env bash
# make flash: what it refuses and that it then writes nothing, its question, and that a card gets the whole image. The
# disks are files, and a folder stands in for /sys.
# boards: rpi3
. "$(dirname "$0")/lib.sh"

sys=$work/sys
mounts=$work/mounts
printf 'Filename Type Size Used Priority\n/dev/sdw1 partition 1 0 -2\n' > "$work/swaps"

# disk NAME MIB REMOVABLE: a whole disk with one partition, and the file that is its contents
disk() {
    local folder=$sys/devices/pci/$1
    mkdir -p "$folder/device" "$folder/holders" "$folder/${1}1/holders" "$sys/class/block"
    echo $(($2 * 2048)) > "$folder/size"
    echo "$3" > "$folder/removable"
    echo 'Example ' > "$folder/device/vendor"
    echo 'Card Reader' > "$folder/device/model"
    echo "8:$((16 + $(ls "$sys/class/block" | wc -l) * 16))" > "$folder/dev"
    echo 1 > "$folder/${1}1/partition"
    echo "8:$((17 + $(ls "$sys/class/block" | wc -l) * 16))" > "$folder/${1}1/dev"
    ln -s "../../devices/pci/$1" "$sys/class/block/$1"
    ln -s "../../devices/pci/$1/${1}1" "$sys/class/block/${1}1"
    head -c 4000000 /dev/urandom > "$work/$1"
    : > "$work/${1}1"
}
disk sdx 4 1
disk sdy 4 0    # a disk of the computer
disk sdz 1 1    # too small
disk sdw 4 1    # swap
disk sdv 4 1    # a part of a RAID
mkdir "$sys/class/block/sdv/sdv1/holders/md0"
disk sdu 4 1    # mounted
disk sdt 0 1    # a reader without a card
disk mmcblk0 4 0 # a card in the computer's own slot
disk mmcblk1 4 0 # memory that is soldered in
echo SD > "$sys/class/block/mmcblk0/device/type"
echo MMC > "$sys/class/block/mmcblk1/device/type"
printf '%s\n' "22 1 8:1 / / rw - ext4 /dev/sda1 rw" \
    "30 22 $(cat "$sys/class/block/sdu/sdu1/dev") / /media/my\\040card rw - vfat /dev/sdu1 rw" > "$mounts"

{ head -c 1000000 /dev/urandom; head -c 1000000 /dev/zero; head -c 97152 /dev/urandom; } > "$work/image"

flash() { # flash DEVICE WORD...
    local device=$1
    shift
    tools/flash.py --image "$work/image" --device "$device" --sys "$sys" --mounts "$mounts" --swaps "$work/swaps" "$@"
}

refuses() { # refuses WORDS DEVICE: in one line, and the device stays as it is; even to whoever says its name
    local before after status=0
    before=$(cat "$work"/sd? "$work"/mmc* | sha256sum)
    basename "$2" | flash "$work/$2" > "$work/said" 2>&1 || status=$?
    after=$(cat "$work"/sd? "$work"/mmc* | sha256sum)
    [ "$status" = 1 ] && [ "$before" = "$after" ] && [ "$(wc -l < "$work/said")" = 1 ] && grep -q "$1" "$work/said" &&
        return
    echo "status $status; it said:"
    cat "$work/said"
    return 1
}
check "what is not there" refuses 'is not there' sdq
check "a partition" refuses 'is a partition; the whole disk is wanted: DEV=/dev/sdx' sdx1
check "not removable" refuses 'is no removable disk' sdy
check "soldered memory" refuses 'is no removable disk' mmcblk1
check "too small" refuses 'has 1 MiB; the image has 2' sdz
check "swap" refuses 'in use, swap' sdw
check "a part of a RAID" refuses 'in use, a part of md0' sdv
check "mounted" refuses 'in use, mounted on /media/my card' sdu
check "no card" refuses 'has no card in it' sdt
check "no DEV" sh -c "tools/flash.py --image '$work/image' --device '' 2>&1 | grep -q 'DEV=/dev/sdb'"
check "no disk" sh -c "tools/flash.py --image '$work/image' --device '$work/sdx' 2>&1 | grep -q 'is no disk'"

says_no() { # says_no ANSWER
    local before
    before=$(sha256sum < "$work/sdx")
    ! printf "$1" | flash "$work/sdx" > "$work/said" 2>&1 && grep -q 'Example Card Reader, 0.0 GB, with 1 part' "$work/said" &&
        grep -q 'nothing was written' "$work/said" && [ "$before" = "$(sha256sum < "$work/sdx")" ]
}
check "no answer" says_no ''
check "yes is no name" says_no 'yes\n'
check "another name" says_no 'sdy\n'
before=$(sha256sum < "$work/sdx")
check "DRY_RUN tells" sh -c "$(declare -f flash); work=$work sys=$sys mounts=$mounts; \
    flash $work/sdx --dry-run | grep -q 'would write 2 MiB of .* nothing was written'"
check "DRY_RUN writes nothing" test "$before" = "$(sha256sum < "$work/sdx")"

writes() {
    local rest
    rest=$(tail -c +2097153 "$work/$1" | sha256sum)
    echo "$1" | flash "$work/$1" > "$work/said" || return 1
    grep -q 'written to .* and read back' "$work/said" && cmp -n 2097152 "$work/image" "$work/$1" &&
        [ "$rest" = "$(tail -c +2097153 "$work/$1" | sha256sum)" ]
}
check "a card in a reader" writes sdx
check "a card in a slot" writes mmcblk0

exit $((failures > 0))
