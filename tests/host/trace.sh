#!/usr/bin/env bash
# Records of real programs, and of tests that drive the scheduler hard, hold what tools/trace.py --check wants; pictures,
# profiles and schedtrace's lines are made of them.
# boards: virt rpi3 host
. "$(dirname "$0")/lib.sh"

# traced NAME APP ARGUMENT...: builds APP, runs it, keeps the record as $work/NAME.txt.
traced() {
    local name=$1 app=$2
    shift 2
    build "$name" "APP=$app"
    run_image "$name" "$@"
    cp "$work/raw" "$work/$name.txt"
}

tool() { # NAME ARGUMENT...
    local name=$1
    shift
    tools/trace.py "$work/$name.txt" --elf "$work/images/$name.elf" "$@"
}

passed() {
    [ "$status" = 0 ] || { echo "status $status" && grep -a -m1 -A25 '^not ok' "$output"; return 1; }
}

check_record() {
    tool "$1" --check > "$work/$1.verdict" || { tail -25 "$work/$1.verdict"; return 1; }
}

# ---- what programs do -----------------------------------------------------------------------------
traced wc examples/wordcount trace=131072
check "word count's status with a trace is 0" test "$status" = 0
check "its record holds" check_record wc
check "no event was lost" grep -q ' ms, 0 older ones overwritten' "$work/wc.verdict"
check "its waits are told by their reasons" grep -q '^  chan receive ' "$work/wc.verdict"

# Whom main has waited for was made and has run between FROM and TO.
lives() {
    python3 - "$work/wc.txt" << 'END'
import sys
sys.path.insert(0, "tools")
import trace
record = trace.parse(open(sys.argv[1]).read(), trace.Image(None))
made, entered = ({e.a for events in record.cores for e in events if e.kind == kind} for kind in ("create", "start"))
assert len(made) >= 8 and made <= entered, (made, entered)
END
}
check "its goroutines live between its beginning and its end" lives

tool wc --json "$work/wc.json" --html "$work/wc.html" --gantt --gs > "$work/wc.gantt"
tool wc --html "$work/wc.svg" --gs > "$work/none"
check "the JSON for Perfetto is as the format wants it" python3 tests/host/read_chrome.py "$work/wc.json"
names_in_json() {
    local name
    for name in 'core 0' 'G[0-9]+ worker' 'chan receive' 'queue of core 0' 'interrupt: timer' goroutines; do
        grep -qE "\"name\": \"$name" "$work/wc.json" || { echo "no $name in it"; return 1; }
    done
}
check "and has cores, goroutines, reasons, queues, interrupts" names_in_json
check "the page is whole" python3 - "$work/wc.html" << 'END'
import re, sys
import xml.etree.ElementTree as xml
text = open(sys.argv[1]).read()
svg = xml.fromstring(re.search(r"<svg.*</svg>", text, re.S)[0])
assert len(svg.findall(".//{http://www.w3.org/2000/svg}rect")) > 100
axis = [t for t in svg.findall(".//{http://www.w3.org/2000/svg}text") if t.get("text-anchor") == "middle"]
assert 5 <= len(axis) <= 13, "the texts of its axis lie over each other"
assert not re.search(r"(src|href)=", text), "it needs something else"
END
check "the SVG alone is the page's" python3 - "$work/wc.html" "$work/wc.svg" << 'END'
import sys
page, svg = (open(path).read() for path in sys.argv[1:])
assert svg.startswith("<svg ") and svg.endswith("</svg>") and svg in page, svg[:80]
END
check "the chart has a line for each core" test "$(grep -cE '^core +[0-9] \|.{100}\|$' "$work/wc.gantt")" = 4
check "and for each G" grep -qE '^[A-Z] G[0-9]+ worker .*#' "$work/wc.gantt"

# ---- what tests do --------------------------------------------------------------------------------
hard=(--short --test=bursts_unbuffered,bursts_buffered,steal_storm,sleeper_displaces_hog,TestSelectStress,cores_churn)
traced tests tests trace=131072 "${hard[@]}"
check "the tests pass with a trace" passed
check "their record holds" check_record tests
tool tests --json "$work/tests.json" --gs > "$work/none"
check "its JSON is as the format wants it, too" python3 tests/host/read_chrome.py "$work/tests.json"

# What sched's other tests do: all of them on the host, a record for as many as a command line names; Go's on a machine.
# Those of the recorder begin and end it themselves.
names_of_sched() {
    if [ "$board" = host ]; then
        "$work/images/tests" --list | tr -d '\r' | awk '$2 == "sched" { print $1 }' |
            grep -vxFf <(sed -nE 's/^TEST\(sched, (\w+)\).*/\1/p' tests/test_trace.c) |
            awk '{ if (length(line) + length($1) > 400) { print line; line = "" } line = line (line == "" ? "" : ",") $1 }
                END { print line }'
    else
        echo 'T*'
    fi
}
names_of_sched > "$work/names"
n=0
while read -r names; do
    n=$((n + 1))
    run_image tests --short --group=sched "--test=$names" trace=131072
    cp "$work/raw" "$work/tests.txt"
    check "they pass with a trace, $n: ${names:0:60}" passed
    check "and their record holds" check_record tests
done < "$work/names"
check "they were all of them" test "$n" -ge "$([ "$board" = host ] && echo 10 || echo 1)"

run_image tests --test=trace_is_written_while_it_grows
cp "$work/raw" "$work/tests.txt"
check "a record that grows while it is written holds" check_record tests

# ---- profiles -------------------------------------------------------------------------------------
traced preempt examples/preempt profile=1000
tool preempt --folded cpu --flame "$work/cpu.svg" > "$work/none"
tool preempt --folded cpu > "$work/cpu"
check "samples meet what runs" grep -qE '^hog [0-9]+$' "$work/cpu"
check "the flame graph is whole" python3 -c "import sys, xml.etree.ElementTree as x; x.parse(sys.argv[1])" "$work/cpu.svg"
traced pipeline examples/pipeline trace=131072 blockprofile=1 # whoever comes first to a channel without a buffer waits
check "a record with stacks holds" check_record pipeline
tool pipeline --folded block > "$work/block"
check "waits have their stacks" grep -qE '^[a-z_;]+;(sync.WaitGroup.Wait|sync.Mutex.Lock|chan receive|chan send) [0-9]+$' "$work/block"

# pprof FOLDED PROFILE TYPES: a library reads what FOLDED says from PROFILE.
pprof() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import google.protobuf' 2> /dev/null; then
            "$python" tests/host/read_pprof.py "$2" > "$work/read" &&
                head -1 "$work/read" | grep -qE "^types $3\$" &&
                tail -n +2 "$work/read" | sed -E 's/ ([0-9]+)(,[0-9]+)?$/ \1/' | diff "$1" -
            return
        fi
    done
    echo "skip the format of pprof: no python3-protobuf here: run make setup" # the other checks stand
}
tools/trace.py "$work/preempt.txt" --elf "$work/images/preempt.elf" --args "profile=1000" --out "$work/preempt" --profile cpu > "$work/none"
check "pprof's format says the same" pprof "$work/cpu" "$work/preempt.cpu.pb.gz" \
    'samples/count cpu/nanoseconds, period cpu/nanoseconds 1000000, [1-9][0-9]* ns'

# ---- where the time goes, in a clock of instructions, which no other program's load can stretch ---------
# All four cores' time: QEMU turns from one to the next each ten microseconds.
if [ "$board" = virt ]; then
    adds_up() { # NAME NS ARGUMENT...: run and sleep are all of the time, to 1 % and so much for each switch
        local name=$1 ns=$2
        shift 2
        tools/trace.py --run --board virt --image "$work/images/$name" --elf "$work/images/$name.elf" --icount 0 \
            --args "trace=131072 $*" --out "$work/wall" --check --wall 1 --switch "$ns" \
            > "$work/wall.verdict" 2> "$work/wall.err" || { tail "$work/wall.verdict" "$work/wall.err"; return 1; }
    }
    check "loops that run are all of the time, to 1 %" adds_up preempt 0
    check "and so is sleep" adds_up tests 0 --test=info_counts_idle_time
    check "and so are word count's both" adds_up wc 0
    check "where it is scheduled most, with two microseconds for each switch" adds_up tests 2000 "${hard[@]}"
fi

# ---- instructions, counted by QEMU --------------------------------------------------------------------
if [ "$board" = virt ]; then
    counted() {
        tools/counts.py --board virt --image "$work/images/preempt" --elf "$work/images/preempt.elf" --out "$work/counted" > "$work/table"
    }
    status=0
    counted || status=$?
    if [ "$status" = 77 ]; then
        echo "skip instructions counted by QEMU: it takes no plugin here"
    else
        folded=$work/counted.instructions.folded
        check "QEMU counts instructions" test "$status" = 0
        check "most of them are the hogs'" awk '{ all += $NF } /^examples\/preempt;main.c;hog / { hog = $NF }
            END { exit !(hog > all / 2) }' "$folded"
        check "and the scheduler has some" grep -qE '^sched;[a-z]+\.c;[a-z_]+ [1-9][0-9]*$' "$folded"
        check "the table has their sum" grep -q "^$(awk '{ all += $NF } END { print all }' "$folded") instructions" \
            <(tr -d , < "$work/table")
        cp "$folded" "$work/first"
        counted
        check "the same in another run" diff "$work/first" "$folded"
        check "they are in pprof's format, too" pprof <(sort "$folded") "$work/counted.instructions.pb.gz" \
            'instructions/count, period / 0, 0 ns'
    fi
fi

# ---- schedtrace -----------------------------------------------------------------------------------
run_image preempt schedtrace=1 scheddetail=0
line='^SCHED [0-9]+ms: gomaxprocs=4 idleprocs=[0-4] threads=4 spinningthreads=[0-4] needspinning=0 idlethreads=[0-4]'
line="$line"' runqueue=[0-9]+ \[ ([0-9]+ ){4}\] schedticks=\[ ([0-9]+ ){4}\]$'
check "schedtrace prints lines as Go does" grep -qE "$line" "$output"
run_image preempt schedtrace=1 scheddetail=1
check "scheddetail prints cores" grep -qE '^  P3: status=[01] schedtick=[0-9]+ syscalltick=0 m=3 runqsize=[0-9]+ timerslen=[0-9]+$' "$output"
check "scheddetail prints Gs" grep -qE '^  G1: status=[124]\([a-zA-Z. ]*\) m=(nil|[0-3]) lockedm=nil$' "$output"

exit $((failures > 0))
