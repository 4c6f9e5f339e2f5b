#!/usr/bin/env bash
# Brings the Raspberry Pi's firmware: Debian's package raspi-firmware, which stays out of this repository.
#
#   tools/firmware.sh          fetches it if it is not there, and prints its folder
#   tools/firmware.sh --have   only looks
#
# The package is taken from the pool of the Debian mirror that apt already uses, and only if its SHA-256 is one of
# those below. No root is needed, and the system's packages and sources stay as they are. Where apt knows no Debian
# mirror, put one of the packages into .cache/ yourself. Its licence (copyright) lies beside the files: to be used with
# Raspberry Pis only, passed on unchanged and with that text.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

# What each Debian release has: 13, 12.
PACKAGES='
raspi-firmware_1.20240424+ds-6_all.deb  f95a3d3c41df10bac33580be91b595efa1e126ad5e4b7eca75ce26fbbc69af06
raspi-firmware_1.20220830+ds-1_all.deb  0094ced47a7fbb6a220ff83e7b43aa637a5d8f6802461e2e4e474597fb796f62
'
FILES='bootcode.bin start.elf fixup.dat start4.elf fixup4.dat'
FOLDER=.cache/firmware
POOL=non-free-firmware/r/raspi-firmware

. tools/pool.sh

say() { printf '%s\n' "firmware: $*" >&2; }

# unpack PACKAGE: the files of it that a card needs, all or none
unpack() {
    local new=$FOLDER.new file
    rm -rf "$new"
    mkdir -p "$new/all"
    dpkg-deb -x "$1" "$new/all"
    for file in $FILES; do mv "$new/all/usr/lib/raspi-firmware/$file" "$new/"; done
    mv "$new/all/usr/share/doc/raspi-firmware/copyright" "$new/LICENCE.firmware"
    rm -rf "$new/all"
    basename "$1" .deb > "$new/VERSION"
    rm -rf "$FOLDER"
    mv "$new" "$FOLDER"
}

here() {
    if [ -f "$FOLDER/VERSION" ]; then
        echo "$FOLDER"
        exit 0
    fi
}

here
[ "${1:-}" != --have ] || exit 1
if ! command -v dpkg-deb > /dev/null; then
    say "no dpkg-deb here to unpack Debian's package raspi-firmware"
    exit 1
fi
pool_lock
here
if package=$(pool_get "$POOL" "$PACKAGES"); then
    unpack "$package"
    rm -f "$package"
    echo "$FOLDER"
    exit 0
fi
say "Debian's package raspi-firmware could not be had: put $(echo $PACKAGES | cut -d' ' -f1) from Debian's pool into .cache/"
exit 1
