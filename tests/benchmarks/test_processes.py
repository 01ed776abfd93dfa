"""What a tree of processes takes, as the kernel tells it."""

import os
import subprocess
import sys

from benchmarks.processes import TICKS, Cpu, cpu_of, memory_of, parse_stat, tree

HOG = "import time; data = b'x' * 30_000_000\nwhile time.process_time() < 0.3: pass\nprint(flush=True); input()"
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]]); print(flush=True); input()"


def test_a_line_of_the_kernels_is_read_whatever_the_processes_name() -> None:
    line = f"7 (a) b (c) S 1 7 7 0 -1 0 0 0 0 0 {3 * TICKS} {TICKS} {2 * TICKS} {TICKS} 20 0 1 0 5 6 7"
    assert parse_stat(line) == Cpu(5, 2)
    assert parse_stat(line).total == 7
    assert Cpu(5, 2) - Cpu(1, 1) + Cpu(0, 3) == Cpu(4, 4)


def test_the_cpu_and_memory_of_children_count_also_once_they_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        assert len(list(tree(process.pid))) == 2
        assert cpu_of(process.pid).total >= 0.3
        assert memory_of(process.pid) > 30_000_000
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        assert list(tree(process.pid)) == [process.pid]
        assert cpu_of(process.pid).total >= 0.3
        process.stdin.write(b"\n")
        process.stdin.flush()


def test_one_who_is_gone_takes_nothing() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert cpu_of(process.pid) == Cpu()
    assert memory_of(process.pid) == 0
    assert os.getpid() in tree(os.getpid())
