#!/usr/bin/env bash
# Work is shared evenly, cores are not woken for nothing, two pairs cost no more than one: bench/goals.txt has the limits.
# boards: virt
cd "$(dirname "$0")/../.."
exec tools/bench.py --gate --bench pairs,fib_shares,tree_shares,stream_wakes --cores 4
