import pytest


@pytest.fixture
def line():
    """Points on a line."""
    from helpers.line import points  # with torch, which takes seconds

    return points()
