"""The events of what an operator has set in motion. Part of the vocabulary."""

from proxy.telling.event import Event

SWITCHOVERS = {
    "+switchover": Event(
        "info",
        """A switchover begins; `switchover` is its number, which all its events have. `to` is the candidate
        that was asked for, `budget_ms` the longest hold.""",
    ),
    "+preflight": Event(
        "info",
        "All checks are done, and none refused. `ms`, here and below: how long the step took.",
    ),
    "+warmed": Event(
        "info",
        "The candidate has lanes for all sessions.",
    ),
    "+held": Event(
        "info",
        "The gate is closed: clients wait from here on.",
    ),
    "+drained": Event(
        "info",
        "Everything that was in flight has been answered.",
    ),
    "+paused": Event(
        "info",
        "The old primary takes no writes any more, from nobody.",
    ),
    "+converged": Event(
        "info",
        "The candidate has everything that the old primary has.",
    ),
    "+promoted": Event(
        "info",
        "The candidate is primary: the point of no return is passed.",
    ),
    "+demoted": Event(
        "info",
        "The old primary follows the new one.",
    ),
    "+swapped": Event(
        "info",
        "All sessions are on the new primary.",
    ),
    "+released": Event(
        "info",
        "The gate is open again; clients have waited for `hold_ms` at most.",
    ),
    "+settled": Event(
        "info",
        "What was put up for the switchover is taken down.",
    ),
    "-promotion-unknown": Event(
        "error",
        "The candidate was told to be primary and does not answer: it may be one, so clients wait.",
        """Let it answer, or kill its process. If its machine is gone: SWITCHOVER RESOLVE with the old
        primary.""",
    ),
    "-fence-not-renewed": Event(
        "warning",
        "The old primary could not be kept from writes for longer; it may be gone.",
        "Look at that node.",
    ),
    "-note": Event(
        "warning",
        "Something about a switchover that its operator should know: `note`.",
        "Read it.",
    ),
    "+switched-over": Event(
        "info",
        """It is over. `outcome` done: all is as it should be; promoted: the candidate is primary, and
        something after that failed, see the -note events.""",
    ),
    "-refused": Event(
        "warning",
        "The switchover did not begin; `why` names the check.",
        "CHECK shows all that stands in the way.",
    ),
    "-called-off": Event(
        "warning",
        """The switchover was undone before the promotion: clients are with the old primary, and keep their
        connections.""",
        "`why` names the step; try again when that is mended.",
    ),
    "-failed": Event(
        "error",
        "The switchover ended in a fault of the proxy's own.",
        "See what NODES says, and SWITCHOVER STATUS. Please report it, with the lines.",
    ),
}

STEERING = {
    "+held-by-hand": Event(
        "info",
        "HOLD: the gate is closed by hand, for `budget_ms` at most, or for so long again if it was already.",
    ),
    "+released-by-hand": Event(
        "info",
        "The hold by hand is over after `hold_ms`; `why`: RELEASE, or its time, or who asked has gone.",
    ),
    "+node-added": Event(
        "info",
        "NODES ADD: `node` is among the nodes, until a restart.",
    ),
    "-node-removed": Event(
        "info",
        "NODES REMOVE: `node` is forgotten, until a restart.",
    ),
    "+setting": Event(
        "info",
        "CONFIG SET: the setting `name` has this `value` now, until a restart.",
    ),
    "+reloaded": Event(
        "info",
        "The settings were read again; `changes` has a line for each that differs.",
    ),
    "-not-reloaded": Event(
        "warning",
        "SIGHUP: the settings could not be read again, and nothing has changed.",
        "See `why`; `baton config check FILE` tells every mistake.",
    ),
    "-clients-left": Event(
        "warning",
        "The process ends, and so many `clients` had not finished within `proxy.drain_ms`: they are closed.",
        "If they were blocked or subscribed, nothing: they come back. Else a longer `proxy.drain_ms` helps.",
    ),
}
