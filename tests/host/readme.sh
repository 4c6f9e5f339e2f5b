#!/usr/bin/env bash
# The README's program builds as it stands there and does what it says; its verbs and its links exist; docs that list things
# list all of them.
# boards: virt host
. "$(dirname "$0")/lib.sh"

mkdir "$work/readme_app"
awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' README.md > "$work/readme_app/main.c"
build readme "APP=$work/readme_app"
run_image readme
printf '%s\n' '1 squared is 1' '2 squared is 4' '3 squared is 9' > "$work/expected"
check "the program's exit status" test "$status" = 0
check "the program's output" diff "$work/expected" "$output"

for verb in $(sed -nE 's/^    make (setup )?([a-z-]+).*/\2/p' README.md | sort -u); do
    check "make $verb is a verb" grep -qE "(^|[ :])$verb( |:|$)" Makefile
done
for link in $(grep -oE '\]\([A-Za-z][^)#:]*\)' README.md docs/*.md CONTRIBUTING.md | sed -E 's/^([^:]*):\]\((.*)\)/\1:\2/'); do
    file=${link%%:*}
    check "$file links to ${link#*:}" test -e "$(dirname "$file")/${link#*:}"
done
check "every board is in the README's table" \
    test "$(grep -cE "^\| \`($(ls boards | paste -sd'|'))\`" README.md)" = "$(ls boards | wc -l)"

# What stands there between backquotes is a name, or a pattern.
grep -oE '`[^`]+`' docs/TESTING.md | sed 's/`//g; s/\./\\./g; s/\*/.*/g' > "$work/names"
{ ls tests/test_*.c; grep -ls '^# boards:' tests/host/*; } | sed 's,.*/,,' | grep -vxf "$work/names" > "$work/unlisted" || true
check "docs/TESTING.md has every file of tests and every script $(paste -sd' ' "$work/unlisted")" test ! -s "$work/unlisted"

ls tests/model/*_model.c | sed -E 's,.*/(.*)_model\.c,tests/model/run.sh \1,' > "$work/models"
grep -oE 'tests/model/run.sh [a-z0-9]+$' tools/verify_plan.txt | grep -vxFf - "$work/models" > "$work/unverified" || true
check "make verify has every model $(paste -sd' ' "$work/unverified")" test ! -s "$work/unverified"
for model in $(sed -n 's/.*run.sh //p' "$work/models"); do
    check "docs/VERIFICATION.md has the model $model, and CI runs it" \
        eval "grep -q '^| .$model. |' docs/VERIFICATION.md && grep -qE 'model/run.sh\"? $model\$' tests/host/*_model.sh"
done
{ grep -rhoE '^TEST\(\w+, \w+' tests | sed 's/.* //'; sed -nE 's/^ *ends (\w+) .*/\1/p' tests/host/ends.sh; } | sort -u > "$work/tests"
awk -F'|' 'NF > 4 { print $3 }' docs/GO.md | grep -oE '\bTest[A-Z]\w+' | sort -u | comm -23 - "$work/tests" > "$work/untold"
check "docs/GO.md names no test that is not there $(paste -sd' ' "$work/untold")" test ! -s "$work/untold"

check "docs/PERFORMANCE.md has the rows of bench/goals.txt" tools/bench.py --check-docs
check "docs/API.md is what the headers say" tools/apidoc.py --check
check "docs/CONCEPTS.md names what there is" tools/concepts.py
check "docs/SILICON.md tells of what there is" tools/parity.py --check

exit $((failures > 0))
