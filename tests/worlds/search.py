"""Looks for companies on which the warehouse and the oracle differ: make test-deep.

WORLDS (10000) says how many worlds, WORLDS_SEED (1000) which pack comes first, WORLDS_PROCESSES (2) how many packs at a
time. A pack that differs is made small, printed, and kept in the folder that is named. Exit code 1 if one differs.
"""

import os
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from builds import Project
from checker import Checker
from packs import pack_of_seed

_checker = None


def _start():
    global _checker
    _checker = Checker(Project(tempfile.mkdtemp(prefix="worlds_build_")).__enter__())


def checked(seed):
    """(seed, number of worlds, explanation of a difference or None)."""
    pack = pack_of_seed(seed)
    if not _checker.differences(pack.company):
        return seed, len(pack.worlds), None
    return seed, len(pack.worlds), _checker.explain(pack, Path(tempfile.mkdtemp(prefix=f"worlds_{seed}_")))


def main():
    """Check packs until there were enough worlds; returns the exit code."""
    wanted = int(os.environ.get("WORLDS", "10000"))
    first, processes = int(os.environ.get("WORLDS_SEED", "1000")), int(os.environ.get("WORLDS_PROCESSES", "2"))
    worlds, different, start = 0, [], monotonic()
    with get_context("spawn").Pool(processes, _start) as pool:
        for number, (seed, found, explanation) in enumerate(pool.imap(checked, range(first, first + wanted)), 1):
            worlds += found
            if explanation:
                different.append(seed)
                print(explanation, flush=True)
            if number % 20 == 0 or worlds >= wanted:
                print(f"{worlds} worlds in {number} packs, {len(different)} differ, {monotonic() - start:.0f} s", flush=True)
            if worlds >= wanted:
                break
        pool.terminate()
    if different:
        print(f"the packs of the seeds {different} differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
