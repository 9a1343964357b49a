"""What a switchover carries without TLS it carries with TLS on every leg: one of each kind of connection.

They are the tests of ``tests/carried`` themselves. ``pytest --tls tests/carried`` runs all of those so.
"""

import pytest

from tests.carried.conftest import scene, valved
from tests.carried.test_blocking import (
    test_blocked_commands_stay_blocked_and_are_served_on_the_new_primary,
)
from tests.carried.test_flight import (
    test_a_deep_pipeline_waits_during_the_hold_and_is_executed_once,
    test_half_a_large_value_completes_on_the_new_primary,
)
from tests.carried.test_ids import test_a_client_has_the_same_id_after_every_switchover
from tests.carried.test_monitor import test_every_command_is_seen_once_and_in_order
from tests.carried.test_reply_mode import test_off_stays_off_and_every_command_is_executed_once
from tests.carried.test_scan import filled, test_a_scan_that_a_switchover_comes_into_finds_everything
from tests.carried.test_scripts import test_a_script_that_was_flushed_past_the_proxy_is_called_all_the_same
from tests.carried.test_sessions import (
    test_idle_clients_notice_nothing,
    test_selected_databases_and_names_are_carried,
)
from tests.carried.test_subscribers import (
    test_every_message_comes_once_and_in_order_over_many_switchovers,
)
from tests.carried.test_tracking import (
    test_a_client_is_told_to_forget_all_and_then_of_every_change,
)
from tests.carried.test_transactions import test_an_open_transaction_is_executed_on_the_new_primary
from tests.carried.test_wait import test_a_blocked_wait_stays_blocked_over_a_switchover
from tests.carried.test_watch import (
    test_where_no_key_was_touched_exec_goes_through_after_any_number_of_switchovers,
)

__all__ = [
    "filled",
    "scene",
    "test_a_blocked_wait_stays_blocked_over_a_switchover",
    "test_a_client_has_the_same_id_after_every_switchover",
    "test_a_client_is_told_to_forget_all_and_then_of_every_change",
    "test_a_deep_pipeline_waits_during_the_hold_and_is_executed_once",
    "test_a_scan_that_a_switchover_comes_into_finds_everything",
    "test_a_script_that_was_flushed_past_the_proxy_is_called_all_the_same",
    "test_an_open_transaction_is_executed_on_the_new_primary",
    "test_blocked_commands_stay_blocked_and_are_served_on_the_new_primary",
    "test_every_command_is_seen_once_and_in_order",
    "test_every_message_comes_once_and_in_order_over_many_switchovers",
    "test_half_a_large_value_completes_on_the_new_primary",
    "test_idle_clients_notice_nothing",
    "test_off_stays_off_and_every_command_is_executed_once",
    "test_selected_databases_and_names_are_carried",
    "test_where_no_key_was_touched_exec_goes_through_after_any_number_of_switchovers",
    "valved",
]

pytestmark = pytest.mark.usefixtures("tls_on_every_leg")
