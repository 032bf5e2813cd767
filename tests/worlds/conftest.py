"""What the tests on random companies share: the project, parsed once, and the demo company."""

import pytest


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The dbt Project, in a folder of its own."""
    pytest.importorskip("dbt.adapters.duckdb")
    from builds import Project

    with Project(tmp_path_factory.mktemp("worlds_build")) as found:
        yield found


@pytest.fixture(scope="session")
def checker(project):
    """A Checker of the project."""
    from checker import Checker

    return Checker(project)
