#!/usr/bin/env python3
# No public call that blocks, or may be made from a handler, is missing in tests/test_contexts.c.
# boards: host
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
HEADERS = "chan select sync event time ctx once group flight".split()
# Of the program's G alone, but checked nowhere: they neither block nor touch what a handler may hold. group_try_go() is
# checked by the go() in it.
HARMLESS = {"timer_chan", "ticker_chan", "ctx_background", "group_ctx", "group_limit", "group_try_go", "group_free"}

tables = (TOP / "tests/test_contexts.c").read_text()
missing = []
count = 0
for header in HEADERS:
    text = (TOP / f"include/bareloom/{header}.h").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for name in re.findall(r"^(?!typedef)[a-z][\w ]*?[ *](\w+)\([^;{]*\);", text, re.M):
        count += 1
        if name not in HARMLESS | {"__attribute__"} and not re.search(rf"\b{name}\(", tables):
            missing.append(f"{header}.h: {name}()")
for name in missing:
    print(f"FAIL {name} is in no table of tests/test_contexts.c")
print(f"{count} functions of {len(HEADERS)} headers, {len(missing)} missing")
sys.exit(1 if missing or count < 90 else 0)
