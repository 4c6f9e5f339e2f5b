#!/usr/bin/env bash
# Each example prints what its expected.txt says, and ends with status 0.
# boards: virt rpi3 host
. "$(dirname "$0")/lib.sh"

for folder in examples/*/; do
    name=$(basename "$folder")
    [ -e "$folder/expected.txt" ] || continue
    build "$name" "APP=examples/$name"
    run_image "$name"
    check "$name: exit status" test "$status" = 0
    check "$name: output" diff "$folder/expected.txt" "$output"
done

exit $((failures > 0))
