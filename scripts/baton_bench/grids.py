"""The results as tables of text, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from proxy.terminal.stage.columns import Row, in_ms

from .figures import Figures, Run, Spread
from .goals import goals_of
from .hold import ALONE, FAILOVER, FLOOR, STEP
from .latency import CASE as ONE_CLIENT
from .memory import CASE as IDLE
from .memory import GROWTH
from .secured import BOTH, PLAIN, SECURED, SECURED_WORKLOADS
from .secured import CASE as TLS
from .watched import COST, LOADED, OFF, ON
from .ways import LANES, REDIS, SHARED, WAYS
from .workloads import WORKLOADS

NOTHING = "-"
CANNOT = "cannot"


@frozen
class Grid:
    title: str
    rows: Sequence[Row]
    """The first is the head."""
    notes: Sequence[str] = ()
    left: int = 1
    """How many columns are text."""


def grids_of(run: Run) -> list[Grid]:
    """The ratios first."""
    figures = run.figures
    grids = [goals_grid(figures)] if any(goal.reached for goal in goals_of(figures)) else []
    if any(workload.name in figures.samples for workload in WORKLOADS):
        grids += [ratios_grid(figures), speeds_grid(figures), waits_grid(figures), costs_grid(figures)]
    if ONE_CLIENT in figures.samples:
        grids.append(latency_grid(figures))
    if IDLE in figures.samples:
        grids.append(memory_grid(figures))
    if ALONE in figures.samples:
        grids += [hold_grid(figures), steps_grid(figures)]
    if LOADED in figures.samples:
        grids.append(watched_grid(figures))
    if any(case.startswith(TLS) for case in figures.samples):
        grids.append(secured_grid(figures))
    return grids


def with_spread(spread: Spread | None, form: Callable[[float], str]) -> str:
    """The median, and from least to most in parentheses; one number if they are all alike."""
    if spread is None:
        return NOTHING
    least, middle, most = form(spread.min), form(spread.median), form(spread.max)
    return middle if least == middle == most else f"{middle} ({least}–{most})"


def times(value: float) -> str:
    return f"{value:.2f}"


def whole(value: float) -> str:
    return f"{value:,.0f}"


def thousands(value: float) -> str:
    return f"{value / 1000:,.1f}k"


def goals_grid(figures: Figures) -> Grid:
    rows: list[Row] = [("Baton, shared lanes", "reached", "target", "")]
    goals = goals_of(figures)
    for goal in goals:
        if goal.met is not None:
            rows.append((goal.what, with_spread(goal.reached, times), goal.target, goal.verdict))
    others = len(goals) + 1 - len(rows)
    return Grid("Targets", rows, [f"not measured: {others} others"] if others else [])


def measured_ways(figures: Figures, cases: Sequence[str]) -> list[str]:
    return [way for way in WAYS if any(way in figures.samples.get(case, {}) for case in cases)]


def by_workload(
    figures: Figures, title: str, cell: Callable[[str, str], str], *, but: Sequence[str] = (), note: str
) -> Grid:
    """A row for each workload, a column for each way."""
    cases = [workload.name for workload in WORKLOADS if workload.name in figures.samples]
    ways = [way for way in measured_ways(figures, cases) if way not in but]
    rows: list[Row] = [("", *ways)]
    for case in cases:
        cannot = figures.cannot.get(case, {})
        rows.append((case, *(CANNOT if way in cannot else cell(case, way) for way in ways)))
    reasons = [
        f"cannot: {case}: {way} {why if why.startswith('closes') else 'answers ' + why}"
        for case in cases
        for way, why in figures.cannot.get(case, {}).items()
        if way in ways
    ]
    return Grid(title, rows, [note, *reasons])


def ratios_grid(figures: Figures) -> Grid:
    def cell(case: str, way: str) -> str:
        return with_spread(figures.ratio(case, "requests_per_s", SHARED, way), times)

    title = "Throughput of Baton with shared lanes, in multiples of the others'"
    note = "above 1: Baton is quicker; medians of the rounds' ratios, from least to most in parentheses"
    return by_workload(figures, title, cell, but=[SHARED], note=note)


def speeds_grid(figures: Figures) -> Grid:
    def cell(case: str, way: str) -> str:
        return with_spread(figures.spread(case, way, "requests_per_s"), thousands)

    note = "redis-benchmark's; transactions by a load generator of our own, whole ones in one send"
    return by_workload(figures, "Throughput: requests a second", cell, note=note)


def waits_grid(figures: Figures) -> Grid:
    def cell(case: str, way: str) -> str:
        middle, slow = (figures.middle(case, way, measure) for measure in ("p50_ms", "p99_ms"))
        return NOTHING if middle is None or slow is None else f"{in_ms(middle)} / {in_ms(slow)}"

    note = "of saturating clients: with fewer requests a second, each waits longer"
    return by_workload(figures, "Waits of clients: p50 / p99, ms", cell, note=note)


def costs_grid(figures: Figures) -> Grid:
    def cell(case: str, way: str) -> str:
        proxy, redis = (figures.middle(case, way, measure) for measure in ("proxy_cpu_us", "redis_cpu_us"))
        if proxy is None or redis is None:
            return NOTHING
        return f"{redis:.1f}" if way == REDIS else f"{proxy:.1f} + {redis:.1f}"

    note = "in the proxy + in the redis-server behind it, user and system, connecting included"
    return by_workload(figures, "CPU time a request, µs", cell, note=note)


def latency_grid(figures: Figures) -> Grid:
    rows: list[Row] = [("", "added µs", "round trip µs")]
    for way in measured_ways(figures, [ONE_CLIENT]):
        added, trip = (figures.spread(ONE_CLIENT, way, measure) for measure in ("added_us", "round_trip_us"))
        rows.append((way, with_spread(added, whole), with_spread(trip, whole)))
    return Grid("Latency: medians of one client, one GET at a time", rows)


def memory_grid(figures: Figures) -> Grid:
    rows: list[Row] = [("", "KiB each", "clients", "connections to Redis", "growth a switchover, KiB")]
    for way in measured_ways(figures, [IDLE]):
        each, clients, connections = (
            figures.spread(IDLE, way, measure)
            for measure in ("kib_per_client", "clients", "connections_on_redis")
        )
        grown = with_spread(figures.spread(GROWTH, way, "kib_per_switchover"), lambda value: f"{value:+.1f}")
        rows.append(
            (
                way,
                with_spread(each, times),
                with_spread(clients, whole),
                with_spread(connections, whole),
                grown,
            )
        )
    note = "resident memory that a proxy takes more than right after its start, of clients that spoke once"
    return Grid("Memory of idle clients", rows, [note])


def hold_cases(figures: Figures) -> list[str]:
    return [case for case in figures.samples if case.startswith("hold, ")]


def hold_grid(figures: Figures) -> Grid:
    head = (
        "",
        "way",
        "hold",
        "longest wait",
        "without a switchover",
        "commands/s",
        "done",
        "undone",
        "errors",
    )
    rows: list[Row] = [head]
    for case in hold_cases(figures):
        for way in (way for way in LANES if way in figures.samples[case]):
            hold, longest, otherwise = (
                with_spread(figures.spread(case, way, measure), in_ms)
                for measure in ("hold_ms", "longest_wait_ms", "longest_wait_otherwise_ms")
            )
            speed = figures.middle(case, way, "commands_per_s")
            rows.append(
                (
                    case.removeprefix("hold, "),
                    way,
                    hold,
                    longest,
                    otherwise,
                    NOTHING if speed is None else whole(speed),
                    whole(len(figures.of(case, way, "hold_ms"))),
                    whole(sum(figures.of(case, way, "undone"))),
                    whole(sum(figures.of(case, way, "errors"))),
                )
            )
    for what in (FAILOVER, FLOOR):
        spread = figures.spread(ALONE, what, "hold_ms")
        count = whole(len(figures.of(ALONE, what, "hold_ms")))
        rows.append((ALONE, what, with_spread(spread, in_ms), *[NOTHING] * 3, count, NOTHING, NOTHING))
    notes = [
        "busy: one command for each client every 20 ms; saturating: without think time; waits in ms",
        "10,000 busy clients would say 500,000 commands a second: they saturate the machine, the load"
        " generator first",
    ]
    return Grid("Switchovers: the hold, and the longest wait of any client, ms", rows, notes, left=2)


def steps_grid(figures: Figures) -> Grid:
    """Where the hold goes."""
    steps: dict[str, None] = {}
    for case in hold_cases(figures):
        for measures in figures.samples[case].values():
            steps |= dict.fromkeys(name for name in measures if name.startswith(STEP))
    rows: list[Row] = [("", "way", *(step.removeprefix(STEP).removesuffix("_ms") for step in steps))]
    for case in hold_cases(figures):
        for way in (way for way in LANES if way in figures.samples[case]):
            middles = (figures.middle(case, way, step) for step in steps)
            rows.append((case.removeprefix("hold, "), way, *map(in_ms, middles)))
    return Grid("The steps of a switchover: medians, ms", rows, left=2)


def watched_grid(figures: Figures) -> Grid:
    rows: list[Row] = [("", "median of the rounds")]
    for workload in WORKLOADS:
        case = COST + workload.name
        for way in (OFF, ON):
            if (spread := figures.spread(case, way, "proxy_cpu_us")) is not None:
                rows.append(
                    (f"{workload.name}: CPU of the proxy a request, {way}, µs", with_spread(spread, times))
                )
        if (spread := figures.ratio(case, "proxy_cpu_us", ON, OFF)) is not None:
            rows.append((f"{workload.name}: on, of off", with_spread(spread, thousandths)))
    for what, measure, form in (
        ("GET /metrics, ms", "metrics_ms", in_ms),
        ("the slowest of a round, ms", "slowest_metrics_ms", in_ms),
        ("GET /, ms", "page_ms", in_ms),
        ("the slowest of a round, ms", "slowest_page_ms", in_ms),
        ("longest wait of a client in 100 ms without a scrape, ms", "longest_without_ms", in_ms),
        ("with one, ms", "longest_with_ms", in_ms),
        ("longer by, ms", "delay_ms", times),
        ("processors that the proxy takes meanwhile", "proxy_busy", times),
        ("commands/s meanwhile", "commands_per_s", whole),
    ):
        rows.append((what, with_spread(figures.spread(LOADED, ON, measure), form)))
    notes = [
        "on: HTTP, events as JSON, a scrape every 5 s; off: as --base says, else without HTTP and events",
        "below: while 50 clients saturate the proxy",
    ]
    return Grid("Watched: what metrics, HTTP and logs cost, and how quickly they answer", rows, notes)


def secured_grid(figures: Figures) -> Grid:
    ways = [f"{name} {kind}" for name in BOTH for kind in (PLAIN, SECURED)]
    rows: list[Row] = [("", "", *ways, "TLS, of haproxy's")]
    for workload in SECURED_WORKLOADS:
        case = TLS + workload.name
        for what, measure, form in (
            ("CPU of the proxy, µs", "proxy_cpu_us", times),
            ("requests/s", "requests_per_s", whole),
        ):
            of_haproxys = figures.ratio(case, measure, ways[1], ways[3])
            row = (with_spread(figures.spread(case, way, measure), form) for way in ways)
            rows.append((workload.name, what, *row, with_spread(of_haproxys, times)))
    notes = ["a request; the nodes without TLS, handshakes not counted"]
    return Grid("TLS to the clients: what it costs", rows, notes, left=2)


def thousandths(value: float) -> str:
    return f"{value:.3f}"
