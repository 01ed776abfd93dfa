"""What a tree of processes takes: CPU time and memory, from the operating system."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cpu:
    """CPU time in seconds."""

    user: float = 0
    system: float = 0

    @property
    def total(self) -> float:
        return self.user + self.system

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user + other.user, self.system + other.system)

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.user - other.user, self.system - other.system)


def tree(pid: int) -> Iterator[int]:
    """The process and all that come from it."""
    yield pid
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = path.read_text().split()
        except OSError:
            continue  # the thread ended meanwhile
        for child in children:
            yield from tree(int(child))


def cpu_of(pid: int) -> Cpu:
    """What the tree has taken so far, those of its processes that ended included.

    The kernel counts in nanoseconds and tells in ticks of 10 ms, so that a round should take seconds.
    """
    taken = Cpu()
    for one in tree(pid):
        try:
            taken += parse_stat(Path(f"/proc/{one}/stat").read_text())
        except OSError:
            continue
    return taken


def parse_stat(line: str) -> Cpu:
    """The CPU time in a line of /proc/PID/stat: the process's own, and that of children it has waited for."""
    fields = line.rpartition(")")[2].split()  # a name may contain anything, a bracket too
    user, system, children_user, children_system = (int(field) for field in fields[11:15])
    return Cpu((user + children_user) / TICKS, (system + children_system) / TICKS)


def memory_of(pid: int) -> int:
    """The tree's proportional set size in bytes: what is shared counts once, divided among those who share it."""
    total = 0
    for one in tree(pid):
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
