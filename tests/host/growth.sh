#!/usr/bin/env bash
# No operation costs more with 100,000 goroutines or timers, 1000 waiters, 8 cores, but for the depth of a heap.
# boards: virt
cd "$(dirname "$0")/../.."
exec tools/growth.py --check
