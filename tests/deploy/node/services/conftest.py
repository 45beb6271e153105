"""Fixtures of the services' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deploy.node.services.asking import Node, Requestor, running_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One node for the tests of a module, each of which has studies and transactions of its own."""
    with running_node(tmp_path_factory.mktemp("node")) as running:
        yield running


@pytest.fixture
def requestor() -> Iterator[Requestor]:
    asking = Requestor()
    yield asking
    asking.stop()
