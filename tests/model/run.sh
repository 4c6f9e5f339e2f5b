#!/usr/bin/env bash
# Builds a model and runs it: tests/model/NAME_model.c, with the sources of sched/ that it includes, under the checker.
#
#   run.sh NAME                        every run within the bounds that each scenario has
#   run.sh NAME --deep                 one switch and one old value more; again for two more
#   run.sh NAME --random 1000000 7     that many runs without bounds, every atomic object watched; 7 is the seed
#   run.sh NAME ... "two cores"        only the scenarios whose name has these words
set -eu
cd "$(dirname "$0")/../.."
name=${1:-}
if [ ! -e "tests/model/${name}_model.c" ]; then
    echo "run.sh: no model '$name'; there are: $(cd tests/model; echo *_model.c | sed 's/_model\.c//g')" >&2
    exit 2
fi
shift
# What the model compiles of the tree stands in its head: " * sources: a.c b.c"; " * machine: port" for the whole scheduler
# on port.c, whose head names more.
model=tests/model/${name}_model.c
machine=$(sed -n 's/^ \* machine: \([a-z]*\)$/tests\/model\/\1.c/p' "$model")
sources=$(sed -n 's/^ \* sources: //p' "$model" $machine)
out=build/model/$name
work=$out.$$
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
# Without the hooks of traces: each would be one more access to try in every order.
flags="-std=gnu11 -g -I. -Iinclude -DHAL_HOST -DCONFIG_TRACE=0 -D_GNU_SOURCE -U_FORTIFY_SOURCE -fno-stack-protector -ffunction-sections -fno-pie"
warn="-Wall -Wextra -Wno-missing-field-initializers -Wno-tsan -Werror"
# These are compiled with a call for each access, which the checker answers.
for source in "$model" $sources; do
    gcc -O1 $flags $warn -fsanitize=thread --param tsan-instrument-func-entry-exit=0 -c \
        -o "$work/$(basename "$source").o" "$source" &
    jobs="${jobs:-} $!"
done
for source in tests/model/checker.c tests/model/memory.c tests/model/tsan.c $machine; do
    gcc -O3 $flags $warn -c -o "$work/$(basename "$source").o" "$source" &
    jobs="$jobs $!"
done
failed=0
for job in $jobs; do
    wait "$job" || failed=1
done
[ $failed = 0 ] || exit 1
# What the scheduler keeps in static variables is put back before each run: the checker finds it by these names.
for source in $sources; do
    objcopy --rename-section .data=model_data --rename-section .bss=model_bss "$work/$(basename "$source").o"
done
gcc -no-pie -Wl,--gc-sections -o "$out" "$work"/*.o hal/host/context.S
rm -rf "$work"
trap - EXIT
exec "$out" "$@"
