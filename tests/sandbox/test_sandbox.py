"""An untrusted program can do its work and nothing else."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from themis.errors import Problem
from themis.sandbox import run, run_python

INTERPRETER = str(Path(sys.executable).resolve())


def python(program, timeout_s=20, **options):
    return run_python(program, timeout_s=timeout_s, memory_mb=256, **options)


def command_lines():
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield (folder / "cmdline").read_bytes()
            except OSError:
                continue


def test_a_normal_program_reads_its_files_writes_its_own_and_succeeds():
    program = (
        "import collections, helper, json, math, pathlib, random, re, subprocess, typing\n"
        "pathlib.Path('out.txt').write_text(open('data/in.txt').read() * 2)\n"
        "print(helper.double(21), open('out.txt').read(), __name__)\n"
    )
    outcome = python(program, files={"helper.py": "def double(x): return 2 * x\n", "data/in.txt": "é"})
    assert (outcome.status, outcome.exit_code, outcome.stdout, outcome.stderr) == ("ok", 0, "42 éé __main__\n", "")


def test_the_folder_is_gone_afterwards():
    folder = Path(python("import os; open('a', 'w').close(); print(os.getcwd())").stdout.strip())
    assert folder.name.startswith("themis-sandbox-")
    assert not folder.exists()


def test_an_exit_code_and_an_exception_are_failures():
    assert (python("import sys; sys.exit(7)").status, python("import sys; sys.exit(7)").exit_code) == ("failed", 7)
    outcome = python("raise KeyError('k')")
    assert (outcome.status, outcome.stderr.splitlines()[-1]) == ("failed", "KeyError: 'k'")


def test_an_endless_loop_is_stopped_in_time():
    begin = time.monotonic()
    outcome = python("print('begun', flush=True)\nwhile True: pass", timeout_s=1)
    assert (outcome.status, outcome.exit_code, outcome.stdout) == ("timeout", None, "begun\n")
    assert time.monotonic() - begin < 8


def test_sleeping_counts_as_time():
    assert python("import time; time.sleep(60)", timeout_s=0.7).status == "timeout"


def test_a_memory_hog_is_stopped():
    assert python("x = bytearray(10**9)").status == "memory"
    assert python("x = bytearray(10**8)").status == "ok"


BOMB = "bomb() { setsid sleep SECONDS & bomb | bomb & }; bomb; sleep SECONDS"


def test_a_fork_bomb_ends_and_nothing_lives_on():
    seconds = f"4231.{os.getpid()}"
    outcome = run(["/bin/sh", "-c", BOMB.replace("SECONDS", seconds)], files={}, timeout_s=1, memory_mb=256)
    assert outcome.status in ("timeout", "failed")
    assert not any(seconds.encode() in line for line in command_lines())


def test_what_a_program_leaves_in_the_background_ends_with_it():
    seconds = f"4232.{os.getpid()}"
    outcome = run(["/bin/sh", "-c", f"setsid sleep {seconds} & echo left"], files={}, timeout_s=20, memory_mb=256)
    assert (outcome.status, outcome.stdout) == ("ok", "left\n")
    assert not any(seconds.encode() in line for line in command_lines())


@pytest.mark.parametrize(
    "attempt",
    [
        "os.fork()",
        "os.system('true')",
        "os.execv('/bin/true', ['true'])",
        "os.posix_spawn('/bin/true', ['true'], {})",
        "subprocess.run(['true'])",
        "multiprocessing.Process(target=print).start()",
        "_posixsubprocess.fork_exec()",
        "os.kill(os.getppid(), 9)",
        "__import__('ctypes')",
    ],
)
def test_a_python_program_cannot_start_processes_or_native_code(attempt):
    program = f"import _posixsubprocess, multiprocessing, os, subprocess\ntry:\n    {attempt}\nexcept PermissionError as e:\n    print(e)"
    outcome = python(program)
    assert outcome.stdout.startswith("sandbox: "), outcome


@pytest.fixture
def public():
    """A folder that any user may enter and write to."""
    folder = Path(tempfile.mkdtemp(prefix="themis-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def test_writing_outside_the_folder_is_refused_and_reading_private_files_too(public):
    kept = public / "kept.txt"
    kept.write_text("kept")
    kept.chmod(0o666)
    program = f"""
import os, pathlib, shutil
open("mine", "w").close()
here, kept = {str(public)!r}, {str(kept)!r}
attempts = [
    lambda: open(here + "/new", "w"), lambda: open(kept, "a"), lambda: open(kept, "r+"), lambda: open(kept),
    lambda: os.open(here + "/new", os.O_CREAT | os.O_WRONLY), lambda: pathlib.Path(here, "new").touch(),
    lambda: os.remove(kept), lambda: os.rename("mine", here + "/new"), lambda: os.rename(kept, "stolen"),
    lambda: os.symlink(here, "link"), lambda: os.link(kept, "link"), lambda: os.mkdir(here + "/new"),
    lambda: os.truncate(kept, 0), lambda: os.chmod(kept, 0), lambda: shutil.rmtree(here), lambda: os.listdir(here),
    lambda: os.chdir(here), lambda: open("../../" + kept, "w"), lambda: open("/proc/1/environ"),
    lambda: open(os.path.expanduser("~/x"), "w"),
]
for number, attempt in enumerate(attempts):
    try:
        attempt()
    except PermissionError:
        continue
    print("succeeded:", number)
print("done", len(attempts))
"""
    outcome = python(program)
    assert outcome.stdout == "done 20\n", outcome
    assert [path.name for path in public.iterdir()] == ["kept.txt"]
    assert kept.read_text() == "kept"


def test_a_file_may_not_grow_without_bound():
    outcome = python("open('a', 'w').write('x' * 2**19)\nopen('b', 'w').write('x' * 2**22)")
    assert outcome.status == "failed"
    assert "too large" in outcome.stderr


def test_the_network_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        port = server.getsockname()[1]
        attempt = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), timeout=2)\nprint('connected')\n"
        assert "sandbox" in python(attempt).stderr
        bare = run([INTERPRETER, "-I", "-S", "-c", attempt], files={}, timeout_s=10, memory_mb=256)
        if "network namespace" in bare.guards:
            assert bare.status == "failed"
            with pytest.raises(BlockingIOError):
                server.accept()
        assert subprocess.run([INTERPRETER, "-I", "-S", "-c", attempt], check=True, capture_output=True).stdout


def test_without_an_audit_hook_the_kernel_keeps_files_safe(public):
    target = public / "new"
    outcome = run(
        ["/bin/sh", "-c", f"echo x > {target}; echo x > mine && cat mine"], files={}, timeout_s=10, memory_mb=64
    )
    if "read-only file system" not in outcome.guards:
        pytest.skip("this kernel gives no mount namespace")
    assert outcome.stdout == "x\n"
    assert not target.exists()


def test_huge_output_is_cut_to_its_end():
    outcome = python(
        "import sys\nfor i in range(3 * 10**5): print(i)\nprint('END')\nprint('e' * 10**6, file=sys.stderr)"
    )
    assert outcome.status == "ok"
    assert outcome.stdout.endswith("299999\nEND\n")
    assert len(outcome.stdout) == len(outcome.stderr) == 1 << 16


def test_the_environment_of_the_parent_is_invisible(monkeypatch):
    monkeypatch.setenv("THEMIS_SECRET", "hunter2-secret")
    assert "hunter2" not in python("import os; print(dict(os.environ))").stdout
    peek = "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'; env"
    outcome = run(["/bin/sh", "-c", peek], files={}, timeout_s=10, memory_mb=64, env={"GIVEN": "1"})
    assert "GIVEN=1" in outcome.stdout
    if "process namespace" in outcome.guards:
        assert "hunter2" not in outcome.stdout


def test_strings_hash_alike_in_every_run():
    program = "print(hash('a'), list({'a', 'b', 'c', 'd'}))"
    assert python(program).stdout == python(program).stdout


def without_namespaces(script):
    """What a script prints in a user namespace that may create no others, as in a container without privileges."""
    limits = "; ".join(f"echo 0 > /proc/sys/user/max_{kind}_namespaces" for kind in ("user", "net", "mnt", "pid"))
    command = ["unshare", "-rU", "sh", "-c", f'{limits}; exec "$0" -c "$1"', sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=dict(os.environ))
    if done.returncode:
        pytest.skip(f"no user namespace to try this in: {done.stderr.strip()[-80:]}")
    return done.stdout.splitlines()


def test_the_hook_holds_where_the_kernel_gives_no_namespaces():
    script = (
        "from themis.sandbox import run_python\n"
        "for p in ('import socket; socket.socket()', 'import os; os.fork()', 'open(\"/tmp/x\", \"w\")', 'print(1)'):\n"
        "    o = run_python(p, timeout_s=20, memory_mb=256); print(o.status, sorted(o.guards), 'sandbox:' in o.stderr)\n"
    )
    assert without_namespaces(script) == ["failed [] True"] * 3 + ["ok [] False"]


def test_nothing_lives_on_where_the_kernel_gives_no_namespaces():
    seconds = f"4233.{os.getpid()}"
    many = f"for i in $(seq 40); do sleep {seconds} & setsid sleep {seconds} & done; sleep {seconds}"
    programs = [many, f"setsid sleep {seconds} & echo left"]
    script = (
        "from themis.sandbox import run\n"
        f"for p in {programs!r}: print(run(['/bin/sh', '-c', p], files={{}}, timeout_s=1, memory_mb=256).status)\n"
    )
    assert without_namespaces(script) == ["timeout", "ok"]
    assert not any(seconds.encode() in line for line in command_lines())


def test_a_program_that_cannot_start_is_a_problem():
    with pytest.raises(Problem, match="/no/such/program"):
        run(["/no/such/program"], files={}, timeout_s=5, memory_mb=64)


@pytest.mark.parametrize("name", ["../x", "/x", ""])
def test_files_stay_inside_the_folder(name):
    with pytest.raises(ValueError, match="working folder"):
        run(["/bin/true"], files={name: ""}, timeout_s=5, memory_mb=64)
