#!/usr/bin/env bash
# gdb with tools/gdb/bareloom.py, scripted: goroutines that wait, run, were preempted or have not begun; cores,
# channels, timers, a deadlock; on a machine, and in two kinds of memory dump of it.
# boards: virt rpi3 host
. "$(dirname "$0")/lib.sh"

debugger=gdb-multiarch
if ! command -v "$debugger" > /dev/null; then
    echo "no gdb-multiarch here: run make setup"
    exit 77
fi

build app APP=tests/host/gdb_app

# debug FILE ARGUMENT...: gdb with the commands in FILE; what it says is in $work/said.
debug() {
    local commands=$1
    shift
    timeout 300 tools/debug.py --board "$board" --image "$work/images/app" --elf "$work/images/app.elf" \
        --debugger "$debugger" "$@" -- -batch -x "$commands" < /dev/null > "$work/said" 2>&1 || {
        echo "FAIL gdb ends with status $?"
        cat "$work/said"
        exit 1
    }
    tr -d '\r' < "$work/said" > "$work/said.text"
}

# says WHAT PATTERN [N]: a line of it matches, or N lines do.
says() {
    if [ "$(grep -cE -- "$2" "$work/said.text")" -lt "${3:-1}" ]; then
        echo "FAIL $1: no /$2/"
        sed -n '1,200s/^/    | /p' "$work/said.text"
        failures=$((failures + 1))
    else
        echo "ok   $1"
    fi
}

# The same questions everywhere.
cat > "$work/questions" << 'END'
info gs
info cores
info timers
info chan numbers
info chan full
deadlock
g receiver bt
g newcomer bt
g receiver info locals
g all bt
print left
print *numbers
print &right
END

answers() {
    local app='(\./)?tests/host/gdb_app/main.c' waits='sync\.Mutex\.Lock'
    says "$1: main" "^ +1  main +running .* all_set \($app:"
    says "$1: a receiver" "^ +[0-9]+  receiver +chan receive .*(ms|us|ns|s) .* wait_for_number \($app:"
    says "$1: a sender" "^ +[0-9]+  sender +chan send .* sender \($app:"
    says "$1: who waits for a lock" "^ +[0-9]+  (left|right)y +$waits .* lock_both \($app:" 2
    says "$1: a selector" "^ +[0-9]+  selector +select .* selector \($app:"
    says "$1: a sleeper" "^ +[0-9]+  sleeper +sleep .* sleeper \($app:"
    says "$1: two share a core" "^ +[0-9]+  spin[01] +(running|preempted) +1\*" 2
    says "$1: one of them at least was preempted" "^ +[0-9]+  spin[01] +preempted +1\* .* spin \($app:"
    says "$1: one that has not begun" "^ +[0-9]+  newcomer +runnable +[0-9]\* .* newcomer \($app:"
    says "$1: cores" "^ +[0-9] .* goroutine 1 \"main\" at all_set "
    says "$1: cores that sleep" "^ +[0-9] +[0-9] .* asleep$" 1
    says "$1: use of the cores" "^4 of them in use, .* slice 10ms"
    says "$1: a timer" "^core [0-9]  at 33m.* sends on channel 0x.*, received by goroutine [0-9]+ \"selector\""
    says "$1: a sleeper's deadline" "^core [0-9]  at 50m.* goroutine [0-9]+ \"sleeper\" \[sleep\] at sleeper"
    says "$1: receivers" "receivers: goroutine [0-9]+ \"(receiver|selector)\", goroutine [0-9]+ \"(receiver|selector)\"$"
    says "$1: a full channel" "4 bytes a value, 2 of 2 in its buffer, open"
    says "$1: senders" "senders: goroutine [0-9]+ \"sender\"$"
    says "$1: the circle" "^2 goroutines wait for each other for ever:"
    says "$1: who holds right" "waits for right \(0x[0-9a-f]+\), held by goroutine [0-9]+ \"righty\""
    says "$1: who holds left" "waits for left \(0x[0-9a-f]+\), held by goroutine [0-9]+ \"lefty\""
    says "$1: frames" "^#[0-9]+ +0x.* in wait_for_number \(wanted=7\) at $app:" 2
    says "$1: who called" "^#[0-9]+ +0x.* in receiver \(arg=(arg@entry=)?0x.*\) at $app:"
    says "$1: frames of the preempted" "^#[0-9]+ +0x.* in spin \(arg=(arg@entry=)?0x.* <turns.*\) at $app:"
    says "$1: frames of one that has not begun" "^#0 +0x.* in newcomer \(arg=(arg@entry=)?0x.* <over>\) at $app:"
    says "$1: who started it" "^created by start \($app:[0-9]+\) in goroutine 1" 8
    says "$1: a local variable" "^secret = 4007$"
    says "$1: a mutex" "= mutex, locked by goroutine [0-9]+ \"lefty\" \[$waits\]; waiting: goroutine [0-9]+ \"righty\"$"
    says "$1: a channel" "= channel, 0 of 0, 2 waiting, 4 bytes a value; senders: nobody; receivers: goroutine"
    says "$1: a pointer to a mutex" "= 0x[0-9a-f]+ <mutex, locked by goroutine [0-9]+ \"righty\""
    check "$1: nothing that failed" sh -c "! grep -E 'Python Exception|Traceback|Cannot|identical to this' '$work/said.text'"
}

# ---- running --------------------------------------------------------------------------------------------------
begin=continue
[ "$board" != host ] || begin=run
dump=
[ "$board" = host ] || dump="monitor dump-guest-memory $work/memory.elf"
cat > "$work/commands" << END
set pagination off
break all_set
$begin
source $work/questions
backtrace 1
$dump
END
debug "$work/commands"
answers running
says "the frames of the thread afterwards" '^#0 +all_set '

# ---- questions that make no sense -----------------------------------------------------------------------------
if [ "$board" = virt ]; then
    # ask QUESTION ANSWER: a line, and nothing of Python's. All in one session: -ex goes on after an error.
    questions=()
    wanted=()
    ask() {
        questions+=(-ex "$1")
        wanted+=("$2")
    }
    ask 'info gs' '^bareloom: the scheduler has not started yet'
    questions+=(-ex 'break all_set' -ex continue)
    ask 'g 99 bt' '^bareloom: there is no goroutine 99 now'
    ask 'g two bt' '^bareloom: there is no goroutine two now'
    ask 'g' '^usage: g N\|NAME\|all COMMAND'
    ask 'info chan 0' '^bareloom: 0 is NULL'
    ask 'info chan nothing' '^bareloom: No symbol "nothing"'
    ask 'info chan main' '^bareloom: main is no channel'
    ask 'info chan &left' '^bareloom: &left is a struct mutex, no channel'
    ask 'info gs please' '^usage: info gs$'
    ask 'memory-dump /nowhere' '^bareloom: /nowhere: No such file'
    ask "memory-dump $work/images/app.elf" 'is an ELF file, but no memory dump'
    ask "memory-dump $0" 'does not reach 0x.*: is it of this program'
    timeout 300 tools/debug.py --board "$board" --image "$work/images/app" --elf "$work/images/app.elf" \
        -- -batch "${questions[@]}" < /dev/null > "$work/said" 2>&1 || true
    tr -d '\r' < "$work/said" > "$work/said.text"
    for answer in "${wanted[@]}"; do
        says 'a question that makes no sense' "$answer"
    done
    check "no stack of Python's" sh -c "! grep -q Python '$work/said.text'"
fi

# ---- dumps ----------------------------------------------------------------------------------------------------
if [ "$board" != host ]; then
    printf 'set pagination off\nsource %s\n' "$work/questions" > "$work/commands"
    debug "$work/commands" --dump "$work/memory.elf"
    answers dump
    # memory alone: what is in the core file from the start of RAM on
    python3 - "$work/memory.elf" "$work/memory.raw" << 'END'
import struct, sys
with open(sys.argv[1], "rb") as core, open(sys.argv[2], "wb") as raw:
    head = struct.unpack("<16sHHIQQQIHHHHHH", core.read(64))
    core.seek(head[5])
    loads = [p for p in (struct.unpack("<IIQQQQQQ", core.read(56)) for _ in range(head[10])) if p[0] == 1]
    core.seek(min(loads, key=lambda p: p[4])[2])
    for _ in range(64):
        raw.write(core.read(1 << 20))
END
    rm -f "$work/memory.elf"
    printf 'set pagination off\ninfo gs\ng receiver bt\ndeadlock\n' > "$work/commands"
    debug "$work/commands" --dump "$work/memory.raw"
    says 'plain memory: a receiver' '^ +[0-9]+  receiver +chan receive .* wait_for_number '
    says 'plain memory: frames' '^#[0-9]+ +0x.* in wait_for_number \(wanted=7\) at '
    says 'plain memory: the circle' 'waits for right \(0x[0-9a-f]+\), held by goroutine [0-9]+ "righty"'
fi

# The other cores are stopped wherever they are, perhaps on the way from one goroutine to the next, and a memory dump
# shows that as it is. So up to three stops are asked.
if [ "$failures" -gt 0 ] && [ "${STOPS:-1}" -lt 3 ]; then
    echo "once more: a core may have been stopped between two goroutines"
    STOPS=$((${STOPS:-1} + 1)) "$0"
    exit
fi
exit $((failures > 0))
