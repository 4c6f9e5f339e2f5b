#!/usr/bin/env bash
# wordcount against tr, sort, uniq and wc: the ten commonest words and the totals of several texts.
# boards: virt rpi3 host
. "$(dirname "$0")/lib.sh"

# The words of a text and how often each occurs: the commonest first, equals in alphabetical order.
words() {
    tr -cs A-Za-z '\n' < "$1" | tr A-Z a-z | sed '/^$/d' | sort | uniq -c | sort -k1,1nr -k2,2
}

# What the program should print of them: words of more than 60 letters are cut.
commonest() {
    words "$1" | awk 'NR <= 10 {
        word = length($2) <= 60 ? $2 : substr($2, 1, 60) "... (" length($2) " letters)"
        printf "%10d  %s\n", $1, word
    }'
}

# What it printed: the lines between two headings, and the number before a word.
printed_words() { sed -n '/^the commonest words$/,/^totals$/p' "$output" | sed '1d;$d'; }
printed() { sed -n "s/^ *\([0-9]*\)  $1.*/\1/p" "$output"; }

same() { [ "$1" = "$2" ] || { printf 'wanted: %s\n   got: %s\n' "$1" "$2"; return 1; }; }

# Words are what stands between white space. Older versions of wc leave out those without a printable
# character; the program says how many these are.
same_words() {
    local without count
    without=$(sed -n 's/.*  words (\([0-9]*\) without.*/\1/p' "$output")
    count=$(printed words)
    same "$(tr '[:space:]' '\n' < "$1" | grep -a -v -c '^$' || true)" "$count" || return 1
    if [ "$(printf '\001' | wc -w)" -eq 0 ]; then
        count=$((count - ${without:-0}))
    fi
    same "$(wc -w < "$1")" "$count"
}

compare() {
    local text=$1 name
    name=$(basename "$text")
    build "$name" APP=examples/wordcount "INPUT=$text"
    run_image "$name" --batch
    check "$name: exit status" same 0 "$status"
    check "$name: commonest words" same "$(commonest "$text")" "$(printed_words)"
    check "$name: lines" same "$(wc -l < "$text")" "$(printed lines)"
    check "$name: words" same_words "$text"
    check "$name: bytes" same "$(wc -c < "$text")" "$(printed bytes)"
    check "$name: distinct words" same "$(words "$text" | wc -l)" "$(printed 'distinct words')"
    rm "$work/images/$name"*
}

# Every byte, alone and in runs, NUL bytes, broken UTF-8, every kind of white space, no newline at the end.
nasty() {
    python3 -c '
import random, sys
random.seed(1)
sys.stdout.buffer.write(
    b"\0\0 a\0b \xff\xfe\xc3 caf\xc3\xa9 \xc0\x80 The the THE\r\n\x0b\x0c\t x" + b"Q" * 100000
    + bytes(range(256)) * 40 + bytes(random.randrange(256) for _ in range(200000))
    + b" no newline at the end")'
}

default=examples/wordcount/input.txt
compare "$default"

nasty > "$work/nasty.txt"
compare "$work/nasty.txt"

head -c 100000 /dev/zero | tr '\0' x > "$work/one-long-word.txt"
compare "$work/one-long-word.txt"

: > "$work/empty.txt"
compare "$work/empty.txt"

# 50 MB, larger than all the chunks that are under way at a time.
for _ in $(seq 93); do cat "$default"; done > "$work/large.txt"
compare "$work/large.txt"

# One letter of the text changes in the finished image.
build damaged APP=examples/wordcount "INPUT=$default"
sed -i 's/^TREATISE$/TREATISZ/' "$work/images/damaged"
run_image damaged --batch
check "damaged: exit status" same 1 "$status"
check "damaged: says so" grep -q 'its CRC' "$output"

build argument APP=examples/wordcount "INPUT=$default"
run_image argument --bath
check "unknown argument: exit status" same 2 "$status"
check "unknown argument: says what is right" grep -q 'the only one is --batch' "$output"

exit $((failures > 0))
