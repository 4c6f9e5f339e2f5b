#!/usr/bin/env bash
# Deterministic simulation (tools/sim.py): twenty schedules of the real image, drawn from seeds, and a seed gives the
# same run twice. On rpi3 fewer: there it is about the other board's timer and doorbell.
# boards: virt rpi3
set -eu
cd "$(dirname "$0")/../.."
case ${BOARD:-virt} in
    virt) seeds=20 ;;
    *) seeds=4 ;;
esac
exec tools/sim.py --board "${BOARD:-virt}" --seeds "$seeds" \
    --test "bursts_*,linear_channels,linear_mutexes,calls_to_one_core,wake_and_idle,cores_churn,deadlines_race_posts"
