"""Nobody can tell that the proxy is there: thousands of conversations, straight and through it.

The short form runs with all the tests, and says the same from one run to the next, from one seed: what
fails there was broken by a change. (Hypothesis also draws on the constants in the modules that are
loaded, so this file alone says other things than all the tests together.) The long form finds:
``./scripts/transparency [COUNT [SEED]]`` sets BATON_TRANSPARENCY to the number of conversations, for each
version of the server and for each of the two tests, and BATON_TRANSPARENCY_SEED to what they are made
from, and takes every version found.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.transparency.conversations import Table
from tests.transparency.twins import Twins

COUNT = int(os.environ.get("BATON_TRANSPARENCY", "0"))
SEED = int(os.environ.get("BATON_TRANSPARENCY_SEED", "4711"))

pytestmark = [
    pytest.mark.each_with_each,
    pytest.mark.timeout(240),
    pytest.mark.no_control_user,  # ACL LIST has its many rules in another order with each process
]
chosen = settings(suppress_health_check=list(HealthCheck), database=None)


@seed(SEED)
@settings(chosen, max_examples=COUNT or 150)
@given(data=st.data())
def test_any_conversation_is_the_same_through_the_proxy(
    twins: Twins, table: Table, data: st.DataObject
) -> None:
    twins.hold(data.draw(table.conversations()))


@seed(SEED)
@settings(chosen, max_examples=COUNT or 100)
@given(data=st.data())
def test_any_conversation_is_the_same_with_a_switchover_in_it(
    twins: Twins, switched_table: Table, data: st.DataObject
) -> None:
    twins.hold(data.draw(switched_table.conversations()))
