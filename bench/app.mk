# The measurements as one application; tools/bench.py runs it and makes the table.
APP_CFLAGS := -I.
