#!/usr/bin/env python3
"""The test harness: builds the images, runs them, counts. `make test` and `make test-all` come here.

    test.py                                the rows marked `test` of tools/test_plan.txt
    test.py --all                          every row, with gcc and with clang
    test.py --board virt --test 'chan_*'   a part; the board's first row then takes any group
    test.py --board rpi3 --port /dev/ttyUSB0   the images' tests on a real board (docs/PI.md)
With SAN=address, race, undefined or scheduler in the environment: the rows marked `san`, built with that
sanitizer, and without the scripts of tests/host. A test during which it reports something has failed.

What an image of tests/ does (tests/main.c):
    --list                     prints `name group`, a line each, and exits with 0
    --test=PATTERN,...         runs the tests of these names; a * in a pattern matches anything
    --cores=N --short          how many cores there must be; fewer rounds
    output                     TAP: `1..N`, `ok 1 - name`, `not ok 2 - name # why`, `ok 3 - name # SKIP why`
    exit status                0 when all passed
A test of the group `death` gets a boot of its own. It prints `# expect status N` and `# expect text WORDS`
before it dies; the status must be N and each text must come after its line. `# expect no text WORDS`: must not.

Beside the images there are tests/host/*.sh and *.py: a line `# boards: a b` in their first ten says for
which boards they run (BOARD in their environment; without the line for virt); status 0 passed, 77 skipped.

The time limit is a hang detector: it counts from the last line of output, and no test measures by it.
"""
import argparse
import concurrent.futures
import fcntl
import fnmatch
import glob
import os
import re
import selectors
import subprocess
import sys
import threading
import time

import run
import serial_port

HANG_SECONDS = float(os.environ.get("TEST_HANG", 120))
NAMES_PER_BOOT = 300  # characters: the command line that a board takes is short
MAX_DEATHS = 3        # an image that dies this often is not started again
MAX_SHOWN = 60        # lines of output below a verdict
MAX_SAID = 5          # and beside it
# Not anchored: the test may have left the cursor in the middle of a line.
SAN = os.environ.get("SAN", "")
SAN_FLAGS = {"address": "address", "race": "thread", "scheduler": "thread", "undefined": "undefined"}
REPORTED = 66  # the exit status of a program in which a sanitizer has found something
# How the sanitizers' reports begin; "sanitizer: " is hal/sanitize's own.
REPORT = re.compile(r"WARNING: ThreadSanitizer|ERROR: AddressSanitizer|: runtime error: |sanitizer: ")
TAP = re.compile(r"(\bnot )?\bok \d+ - (\S+)(?: # ?(.*))?$")


def said(output):
    """What the output itself says of a failure: a script's checks that failed, an image's last words, or its last line."""
    output = [line.strip() for line in output if line.strip() and not line.startswith("# expect")]
    checks = [line for line in output if line.startswith("FAIL ")]
    words = [match[0] for line in output if (match := re.search(r"(fatal error|panic): .*", line))]
    lines = checks or words or output[-1:]
    return [line[:200] for line in lines[:MAX_SAID]] + ([f"{len(lines) - MAX_SAID} more"] if len(lines) > MAX_SAID else [])


class Results:
    """Counts and prints results, from several threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed = self.failed = self.skipped = 0
        self.failures = []

    def add(self, verdict, where, name, why="", output=()):
        with self.lock:
            if verdict == "FAIL":  # for whoever is shown the line alone
                why = "; ".join([*([why] if why else []), *said(output)])
            line = f"{verdict:4} {where:22} {name}" + (f": {why}" if why else "")
            print(line)
            for text in output[-MAX_SHOWN:]:
                print(f"        | {text}")
            sys.stdout.flush()
            if verdict == "ok":
                self.passed += 1
            elif verdict == "skip":
                self.skipped += 1
            else:
                self.failed += 1
                self.failures.append(line)

    def finish(self):
        if self.failures:
            print("\nfailed:")
            for line in self.failures:
                print(" ", line[5:])
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed + self.skipped else 0


def execute(cmd, on_line, env=None):
    """Runs cmd, gives each line of its output to on_line; its exit status, or run.HANG if no line came
    for HANG_SECONDS."""
    with subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, env=env) as child:
        selector = selectors.DefaultSelector()
        selector.register(child.stdout, selectors.EVENT_READ)
        rest = b""
        while True:
            if not selector.select(HANG_SECONDS):
                child.kill()
                if rest:
                    on_line(rest.decode(errors="replace"))
                return run.HANG
            chunk = os.read(child.stdout.fileno(), 65536)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                on_line(line.decode(errors="replace").rstrip("\r"))
            if not chunk:
                if rest:
                    on_line(rest.decode(errors="replace").rstrip("\r"))
                return run.describe(child.wait())


def place(board, llvm):
    return board + ("/clang" if llvm else "") + (f"/{SAN}" if SAN else "")


def cannot_sanitize(board):
    """Why this computer cannot build board with SAN, and how to mend it; None if it can."""
    if not SAN or board["HAL"] != "host":
        return None
    try:
        done = subprocess.run(["clang", f"-fsanitize={SAN_FLAGS[SAN]}", "-x", "c", "-", "-o", "/dev/null"],
                              input="int main(void) { return 0; }", capture_output=True, text=True)
        missing = done.returncode != 0
    except FileNotFoundError:
        missing = True
    return "no clang with the sanitizers' library here: run `make setup` (libclang-rt-dev)" if missing else None


def status_words(status):
    return f"no output for {HANG_SECONDS:g} s" if status == run.HANG else f"exit status {status}"


class Row:
    """A line of the plan for one compiler: a board, a way to run it, and its groups."""

    def __init__(self, board, how, groups, llvm, port=None):
        self.port = port
        self.board = run.load_board(board)
        self.how = dict(part.partition("=")[::2] for part in how.split(",") if part != "-")
        self.groups = groups
        self.llvm = llvm or "clang" in self.how
        self.only = [p for p in self.how.get("only", "").split("+") if p]
        self.where = " ".join([place(board, self.llvm),
                               *(part for part in how.split(",") if part not in ("-", "clang") and not part.startswith("only="))])
        self.image = None

    def command(self, args):
        """The command line that runs this row's image with args."""
        image = self.image
        if "elf" in self.how:
            image = os.path.join(os.path.dirname(image), "app.elf")
        extra = []
        if "poison" in self.how:
            extra = run.poison(self.board, image, int(self.how["poison"]) << 20)
        smp, icount = int(self.how.get("smp", self.board["CORES"])), self.how.get("icount")
        if "policy" in self.how:
            args = [*args, f"policy={self.how['policy']}"]
        if "model" in self.how:
            args = [*args, f"model={self.how['model']}"]
        args = [*args, "--batch", f"--cores={smp}", *(["--short"] if "short" in self.how else [])]
        if self.port:
            return [f"{run.ROOT}/tools/chainboot.py", "--board", self.board["NAME"], "--port", self.port, "--batch",
                    "--image", image, "--args=" + " ".join(args)]
        return run.command(self.board, image, args, smp, int(self.how.get("gic", 3)),
                           icount and int(icount), "el2" in self.how, extra=extra)


def row_on_a_board(board, llvm, port):
    if "CHAIN_ADDR" not in run.load_board(board or "host"):
        sys.exit("test: only boards with a loader take their tests over a port: BOARD=rpi3, BOARD=rpi4")
    serial_port.Port(port).close()  # says what is wrong with it before anything is built
    return Row(board, "-", ["all"], llvm, port)


def read_plan(suites):
    with open(f"{run.ROOT}/tools/test_plan.txt") as file:
        for line in file:
            fields = line.split("#")[0].split()
            if fields and fields[0] in suites:
                yield fields[1:]


def make(*args):
    """Runs make in the repository as a user would; its status and output."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    for name in ("BOARD", "APP", "INPUT", "ARGS", "TEST"):
        env.pop(name, None)
    done = subprocess.run(["make", "-s", "-C", run.ROOT, *args], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    return done.returncode, done.stdout


def build(board, llvm, results, jobs):
    """Builds the default application and the tests for a board; the tests' image or None."""
    where = place(board, llvm)
    args = [f"BOARD={board}", f"LLVM={'1' if llvm else ''}"]
    start = time.monotonic()
    os.makedirs(f"{run.ROOT}/build", exist_ok=True)
    with open(f"{run.ROOT}/build/.lock", "w") as lock:  # a script of tests/host may have started this harness: lib.sh
        fcntl.flock(lock, fcntl.LOCK_EX)
        builds = {app: make(f"-j{jobs}", *args, *app) for app in (("APP=tests",), ())}
    for app, (status, output) in builds.items():
        if status != 0:
            results.add("FAIL", where, f"build {''.join(app)}".strip(), "", output.splitlines()[-30:])
    if not any(status for status, _ in builds.values()):
        results.add("ok", where, "build", f"{time.monotonic() - start:.0f} s")
    if builds["APP=tests",][0] != 0:
        return None
    image = make(*args, "APP=tests", "image-path")[1].strip()
    return os.path.join(run.ROOT, image)


def list_tests(row):
    """[(name, group)] as the image says, or the output that it gave instead."""
    output = []
    status = execute(row.command(["--list"]), output.append)
    tests = [tuple(line.split()) for line in output if re.fullmatch(r"\w+ \w+", line)]
    return (tests, None) if status == 0 and tests else (None, [*output[-20:], status_words(status)])


def batches(names):
    """Names cut so that each cut fits a board's command line."""
    batch, size = [], 0
    for name in names:
        if batch and size + len(name) + 1 > NAMES_PER_BOOT:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += len(name) + 1
    if batch:
        yield batch


def run_batch(row, names, results):
    """Boots with --test=names. True when the image lived; the tests that it did not come to are run by
    another boot."""
    left, recent, deaths = list(names), [], 0
    while left:
        recent.clear()

        def on_line(line):
            match = TAP.search(line)
            if not match or match[2] not in left:
                recent.append(line)
                return
            left.remove(match[2])
            why = match[3] or ""
            report = next((at for at, text in enumerate(recent) if SAN and REPORT.search(text)), None)
            if match[1]:
                results.add("FAIL", row.where, match[2], why, recent[-20:])
            elif report is not None:
                results.add("FAIL", row.where, match[2], f"SAN={SAN} reports", recent[report:report + 60])
            elif why.upper().startswith("SKIP"):
                results.add("skip", row.where, match[2], why[4:].strip())
            else:
                results.add("ok", row.where, match[2], why)
            recent.clear()

        failed_before = len(results.failures)
        status = execute(row.command(["--test=" + ",".join(left)]), on_line)
        if left:
            results.add("FAIL", row.where, left.pop(0), f"died in it, {status_words(status)}", recent)
            deaths += 1
            if deaths == MAX_DEATHS and left:
                results.add("FAIL", row.where, ",".join(left), "not run: the image died too often")
                return
        elif status not in (0, 1, REPORTED) or (status != 0 and len(results.failures) == failed_before):
            results.add("FAIL", row.where, "exit", f"all tests answered, then {status_words(status)}",
                        recent[-20:])


def run_death(row, name, results):
    """One boot for a test that is to die: its last words and its status must be the announced ones."""
    output = []
    status = execute(row.command([f"--test={name}"]), output.append)
    wanted_status, texts, why = None, [], []
    for at, line in enumerate(output):
        if match := re.search(r"# expect status (\d+)", line):
            wanted_status = int(match[1])
        elif match := re.search(r"# expect text (.*)", line):
            texts.append((at, match[1].strip(), True))
        elif match := re.search(r"# expect no text (.*)", line):
            texts.append((at, match[1].strip(), False))
        elif (match := TAP.search(line)) and "SKIP" in (match[3] or ""):
            results.add("skip", row.where, name, match[3].replace("SKIP", "").strip())
            return
    if wanted_status is None:
        why.append("no `# expect status` line")
    elif status != wanted_status:
        why.append(f"{status_words(status)} instead of {wanted_status}")
    for at, text, wanted in texts:
        found = any(text in line for line in output[at + 1:] if not line.startswith("# expect"))
        if found != wanted:
            why.append(f"{'no' if wanted else 'unwanted'} text '{text}'")
    results.add("FAIL" if why else "ok", row.where, name, "; ".join(why), output if why else ())


def host_tests(board, patterns):
    """The scripts of tests/host that are for this board."""
    for path in sorted(glob.glob(f"{run.ROOT}/tests/host/*")):
        name, extension = os.path.splitext(os.path.basename(path))
        if extension not in (".sh", ".py") or not os.access(path, os.X_OK):
            continue
        with open(path) as file:
            head = [line for _, line in zip(range(10), file) if line.startswith("# boards:")]
        boards = head[0].split(":")[1].split() if head else ["virt"]
        if board in boards and wanted(name, patterns):
            yield name, path


def run_host_test(board, llvm, name, path, results):
    env = dict(os.environ, BOARD=board, LLVM="1" if llvm else "")
    for variable in [v for v in env if v.startswith("MAKE") or v in ("MFLAGS", "APP", "INPUT", "ARGS", "TEST")]:
        del env[variable]
    output = []
    status = execute([path], output.append, env)
    verdict = {0: "ok", run.SKIP: "skip"}.get(status, "FAIL")
    why = "" if status == 0 else output[-1] if status == run.SKIP and output else status_words(status)
    results.add(verdict, place(board, llvm), name, why, output if verdict == "FAIL" else ())


def wanted(name, patterns):
    return not patterns or any(fnmatch.fnmatchcase(name, p) for p in patterns)


def work_of(row, patterns, lift, results):
    """The jobs of a row: functions to call, in any order and on any thread."""
    if row.groups == ["-"] and not lift:
        return []
    tests, output = list_tests(row)
    if tests is None:
        results.add("FAIL", row.where, "list", "the image does not list its tests", output)
        return []
    chosen = [(n, g) for n, g in tests
              if wanted(n, patterns) and (lift or (wanted(n, row.only) and (row.groups == ["all"] or g in row.groups)))]
    plain = [n for n, g in chosen if g != "death"]
    jobs = [lambda names=names: run_batch(row, names, results) for names in batches(plain)]
    jobs += [lambda name=n: run_death(row, name, results) for n, g in chosen if g == "death"]
    return jobs


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--board", choices=run.boards())
    parser.add_argument("--test", default="", help="names or patterns, with commas between")
    parser.add_argument("--all", action="store_true", help="every row, both compilers")
    parser.add_argument("--port", help="of a real board, with the loader on its card; no scripts")
    opts = parser.parse_args()
    if SAN and SAN not in SAN_FLAGS:
        sys.exit(f"test: SAN={SAN} is none of: {' '.join(SAN_FLAGS)}")
    patterns = [p for p in opts.test.split(",") if p]
    compilers = [False, True] if opts.all else [bool(os.environ.get("LLVM"))]
    workers = 1 if opts.port else max(1, min(2, os.cpu_count() or 1))
    results = Results()

    if opts.port is not None:
        rows = [row_on_a_board(opts.board, compilers[0], opts.port)]
    else:
        rows = [Row(board, how, groups.split(","), llvm)
                for llvm in compilers
                for board, how, groups in read_plan(("san",) if SAN else ("test", "all") if opts.all else ("test",))
                if opts.board in (None, board) and not (opts.all and "clang" in how)]
    images, blocked = {}, {}
    for row in rows:  # one build after the other, each with all cores
        key = row.board["NAME"], row.llvm
        if key not in images:
            blocked[key] = cannot_sanitize(row.board)
            images[key] = None if blocked[key] else build(*key, results, os.cpu_count() or 1)
            blocked[key] = blocked[key] or (None if opts.port else run.cannot_run(row.board))
            if blocked[key]:
                results.add("skip", place(*key), "all its tests", blocked[key])
        row.image = images[key]
    runnable = [row for row in rows if row.image and not blocked[row.board["NAME"], row.llvm]]

    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        lists = [pool.submit(work_of, row, patterns, opts.board and patterns and row is rows[0], results)
                 for row in runnable]
        jobs = [pool.submit(job) for future in lists for job in future.result()]
        with_scripts = {key: image for key, image in images.items() if opts.all or key[1] == compilers[0]}
        for (board, llvm), image in with_scripts.items():
            if image and not blocked[board, llvm] and not SAN and not opts.port:
                jobs += [pool.submit(run_host_test, board, llvm, name, path, results)
                         for name, path in host_tests(board, patterns)]
        try:
            for job in concurrent.futures.as_completed(jobs):
                job.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if patterns and not jobs:
        results.add("FAIL", opts.board or "", opts.test, "no test has such a name")
    return results.finish()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
