"""A short soak: see soak.py, which `make soak` runs for longer."""

from pathlib import Path

from soak import available_kinds, soak


def test_readers_never_fail_nor_meet_two_versions(tmp_path: Path) -> None:
    """Every kind of reader that is installed, while publishers publish, fail and are killed."""
    counts, faults = soak(tmp_path / "soak", seconds=20, builds=0, kinds=available_kinds())
    assert faults == []
    assert counts["queries"] > 100 and counts["published"] > 0
    assert counts["killed while publishing"] + counts["killed after publishing"] > 0
