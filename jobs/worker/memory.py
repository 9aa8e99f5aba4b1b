"""The peak memory of an attempt's process (shared in a pool of threads), and the kernel's out-of-memory kills."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

#: The kernel writes about 1,500 bytes. One read gets all of them.
_LONGEST_STATUS: Final = 16_384

_is_reset = False


def reset_peak_memory() -> None:
    """Forget the peak of earlier attempts; only Linux can (proc_pid_clear_refs(5))."""
    global _is_reset
    with suppress(OSError):
        file = os.open("/proc/self/clear_refs", os.O_WRONLY)
        try:
            os.write(file, b"5")
        finally:
            os.close(file)
        _is_reset = True


def peak_memory_bytes() -> int:
    """The highest resident size since the reset (VmHWM, proc_pid_status(5)); without one, since the process began."""
    if _is_reset:
        with suppress(OSError), open("/proc/self/status", "rb", buffering=0) as status:  # small jobs feel pathlib
            _, name, rest = status.read(_LONGEST_STATUS).partition(b"VmHWM:")
            if name:
                return int(rest.split(None, 1)[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_megabytes(number_of_bytes: int) -> str:
    """The size as text, such as `812 MB`."""
    return f"{number_of_bytes / 1_000_000:.0f} MB"


def out_of_memory_kills(*, proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """How many processes of this container (cgroup v2), else of this machine, the kernel killed for lack of memory.

    None if the system does not report it. https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text().splitlines():
            if line.startswith("0::/"):
                found = _counter("oom_kill", cgroups / line.removeprefix("0::/") / "memory.events")
                if found is not None:
                    return found
    return _counter("oom_kill", proc / "vmstat")


def _counter(name: str, file: Path) -> int | None:
    """The value in the line `name value` of a kernel file."""
    with suppress(OSError, ValueError), file.open() as lines:
        for line in lines:
            if line.startswith(f"{name} "):
                return int(line.split()[1])
    return None
