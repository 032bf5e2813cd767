"""Rules about the files themselves that no linter knows."""

import re
from pathlib import Path

MOST_YAML_LINES = 300
MADE = {".git", ".venv", "dbt_packages", "logs", "target", ".pytest_cache", ".ruff_cache"}


def files(repo: Path, *patterns: str) -> list[Path]:
    """Files of the repository, without what tools have made."""
    found = {path for pattern in patterns for path in repo.rglob(pattern) if path.is_file()}
    return sorted(path for path in found if not MADE & set(path.relative_to(repo).parts))


def test_yaml_files_stay_short(repo: Path) -> None:
    """One small file per model beside its SQL; nobody scrolls through thousands of lines."""
    lengths = {str(path.relative_to(repo)): len(path.read_text().splitlines()) for path in files(repo, "*.yml")}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_YAML_LINES} == {}


def test_locks_pin_by_hash_and_name_no_address(repo: Path) -> None:
    """A lock works with any registry or mirror: several hashes per package (all platforms), no address, no path."""
    for lock in ["requirements.txt", "requirements-dev.txt"]:
        text = (repo / lock).read_text()
        assert not re.search(r"://|--(?:extra-)?index-url|--find-links|@ file", text), lock
        pins = re.findall(
            r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==\S+ \\\n((?:    --hash=\S+(?: \\)?\n)+)", text, flags=re.MULTILINE
        )
        assert len(pins) == len(re.findall(r"^[a-z0-9]\S*==", text, flags=re.MULTILINE)), lock
        assert [name for name, hashes in pins if hashes.count("--hash=") < 2] == [], lock


def test_runtime_lock_is_part_of_the_development_lock(repo: Path) -> None:
    """What is tested is what is installed."""
    pins = {
        lock: set(re.findall(r"^[a-z0-9]\S*==\S+", (repo / lock).read_text(), flags=re.MULTILINE))
        for lock in ["requirements.txt", "requirements-dev.txt"]
    }
    assert pins["requirements.txt"] <= pins["requirements-dev.txt"]
