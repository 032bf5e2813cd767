"""What the tests on random companies share: the project, parsed once, and its compiled models."""

import pytest
from builds import Project
from checker import Checker


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """The dbt Project, in a folder of its own."""
    with Project(tmp_path_factory.mktemp("worlds_build")) as found:
        yield found


@pytest.fixture(scope="session")
def checker(project):
    """A Checker of the project."""
    return Checker(project)
