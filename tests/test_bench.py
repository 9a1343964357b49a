"""`./scripts/bench` itself, of everything the smallest size: what it tells, not how much it comes to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any
from xml.etree import ElementTree

import pytest

from proxy.terminal.stage.direct import Address
from scripts.baton_bench.__main__ import main
from scripts.baton_bench.crowd import Client
from scripts.baton_bench.dialogues import DIALOGUES
from scripts.baton_bench.drawing import Line, Point, draw_lines
from scripts.baton_bench.figures import Figures, Run, Spread
from scripts.baton_bench.files import complaints_of_hold, complaints_of_idle
from scripts.baton_bench.goals import goals_of
from scripts.baton_bench.page import BEGIN, END, write_page
from scripts.baton_bench.throughput import refuses_transactions
from scripts.baton_bench.watched import COST, LOADED, OFF, ON
from scripts.baton_bench.ways import HAPROXY, LANES, PRIVATE, PROXIES, REDIS, SHARED, ways_here
from scripts.baton_bench.workloads import GET, GET_PIPELINED
from tests.binaries import ROOT
from tests.children import children_of
from tests.waiting import wait_until

BENCH = [sys.executable, "-m", "scripts.baton_bench", "--quick"]
"""What the shell verb runs once the setup is done."""
LIMIT_S = 55


def a_run(figures: Figures) -> Run:
    return Run(3, False, {"redis": "7.0.15"}, 2, 0.25, ["no envoy on this machine"], figures=figures)


@pytest.mark.alone
def test_the_bench_tells_all_that_it_measures_and_writes_the_page(tmp_path: Path) -> None:
    scratch, told, page = tmp_path / "scratch", tmp_path / "told.json", tmp_path / "performance.md"
    scratch.mkdir()
    ended = subprocess.run(
        [*BENCH, "--json", str(told), "--page", str(page)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert ended.returncode == 0, ended.stderr
    results: dict[str, Any] = json.loads(told.read_text())
    assert (results["rounds"], results["quick"]) == (1, True)
    assert results["versions"].keys() >= {"python", "redis"}
    check_measured(results["measured"], results["cannot"])
    assert results["measured"]["hold, 10 busy"][SHARED]["undone"]["median"] == 0
    for picture in (tmp_path / "performance").iterdir():
        ElementTree.parse(picture)
        assert f"(performance/{picture.name})" in page.read_text()
    assert list(scratch.iterdir()) == [], "nothing is left behind"


def check_measured(measured: dict[str, Any], cannot: dict[str, Any]) -> None:
    """Every way has a figure in every case, or a reason why not."""
    ways = set(ways_here())
    for case in (GET.name, "MULTI/EXEC -c 50") if shutil.which("redis-benchmark") else ():
        assert measured[case].keys() | cannot.get(case, {}).keys() == ways
        for way in measured[case].values():
            assert way.keys() >= {"requests_per_s", "p50_ms", "p99_ms", "proxy_cpu_us", "redis_cpu_us"}
            assert way["requests_per_s"]["min"] > 0
    assert measured["one client, one GET at a time"].keys() == ways
    assert measured["idle clients"].keys() == ways & set(PROXIES)
    for clients in (10, 50):
        for load in ("idle", "busy"):
            held = measured[f"hold, {clients} {load}"]
            assert held.keys() == LANES.keys()
            for way in held.values():
                assert 0 < way["hold_ms"]["min"] <= way["hold_ms"]["median"] <= way["hold_ms"]["max"]
                assert way["errors"]["max"] == 0
    assert measured["hold, 200 saturating"].keys() == LANES.keys()
    assert len(measured["Redis alone"]) == 2
    for workload in (GET, GET_PIPELINED) if shutil.which("redis-benchmark") else ():
        assert measured[COST + workload.name].keys() == {OFF, ON}
        assert all(way["proxy_cpu_us"]["min"] > 0 for way in measured[COST + workload.name].values())
    looked = measured[LOADED][ON]
    assert 0 < looked["metrics_ms"]["median"] <= looked["slowest_metrics_ms"]["median"]
    assert looked["page_ms"]["median"] > 0 and looked["commands_per_s"]["min"] > 0


@pytest.mark.alone
def test_the_bench_ends_its_processes_when_it_is_interrupted(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [*BENCH, "--only", "hold", "--rounds", "100"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as bench:
        two_stages_of_two_nodes_and_a_proxy_and_a_pair_and_a_crowd = 2 * 3 + 2 + 1
        wait_until(
            lambda: len(children_of(bench.pid)) == two_stages_of_two_nodes_and_a_proxy_and_a_pair_and_a_crowd,
            "the bench is at work",
            LIMIT_S / 2,
        )
        children = children_of(bench.pid)
        bench.send_signal(signal.SIGINT)
        assert bench.wait(LIMIT_S / 2) == 130
    assert [child for child in children if Path(f"/proc/{child}").exists()] == []
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_the_bench_says_in_one_line_that_it_has_no_redis_server() -> None:
    command = [*BENCH, "--redis-server", "/nowhere"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == "bench: /nowhere is no redis-server of at least 6.2"


def a_client() -> tuple[Client, socket.socket]:
    ours, theirs = socket.socketpair()
    client = Client(ours, DIALOGUES["values"](b"key"))
    client.send(0.0)
    return client, theirs


@pytest.mark.parametrize(
    ("reply", "whole"),
    [
        pytest.param(b"+OK\r\n", True, id="as it must be"),
        pytest.param(b"-READONLY You can't write\r\n", None, id="an error"),
        pytest.param(b"-E\r\n", None, id="an error shorter than the reply"),
        pytest.param(b"$64\r\n", None, id="what somebody else is owed"),
    ],
)
def test_a_client_of_a_crowd_knows_its_reply(reply: bytes, whole: bool | None) -> None:
    client, server = a_client()
    with client.connection, server:
        for place in range(len(reply) - 1):
            server.send(reply[place : place + 1])
            if place < 4:
                assert client.receive() is False
        server.send(reply[-1:])
        assert client.receive() is whole
        assert not client.waiting


def test_a_client_of_a_crowd_notices_that_it_was_hung_up_on() -> None:
    client, server = a_client()
    with client.connection:
        server.recv(4096)  # else the kernel itself would tell of a reset
        server.close()
        with pytest.raises(ConnectionResetError):
            client.receive()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"".join(one.reply for one in DIALOGUES["transactions"](b"key")), None),
        (b"+OK\r\n-ERR unknown command 'SET'\r\n", "-ERR unknown command 'SET'"),
        (b"", "closes the connection"),
    ],
)
def test_it_is_found_out_who_carries_no_transactions(answer: bytes, why: str | None) -> None:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Thread(target=serve)
        server.start()
        assert refuses_transactions(Address(*listener.getsockname())) == why
        server.join()


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    figures = Figures()
    # A round in which the machine was slow is slow for both: each is twice as quick as the other's half.
    for mine, other in ((30.0, 20.0), (300.0, 100.0), (10.0, 5.0)):
        figures.note("GET", SHARED, requests_per_s=mine)
        figures.note("GET", HAPROXY, requests_per_s=other)
    assert figures.ratio("GET", "requests_per_s", SHARED, HAPROXY) == Spread(1.5, 2.0, 3.0)
    assert figures.ratio("GET", "requests_per_s", SHARED, REDIS) is None


def test_a_run_is_the_same_when_it_is_read_back() -> None:
    figures = Figures()
    figures.note(GET.name, SHARED, requests_per_s=50_000.0, p50_ms=0.5)
    figures.note_cannot("MULTI/EXEC -c 50", "twemproxy", "closes the connection")
    run = a_run(figures)
    assert Run.from_json(run.as_json()) == run


@pytest.mark.parametrize(("speed", "verdict"), [(1.4, "met"), (1.39, "NOT met")])
def test_a_target_is_met_or_not(speed: float, verdict: str) -> None:
    figures = Figures()
    figures.note(GET.name, SHARED, requests_per_s=speed)
    figures.note(GET.name, HAPROXY, requests_per_s=1.0)
    verdicts = [goal.verdict for goal in goals_of(figures)]
    assert verdicts[0] == verdict
    assert set(verdicts[1:]) == {"not measured"}


def test_it_is_said_who_is_short_of_files() -> None:
    assert complaints_of_idle(10_000, 20_000, PROXIES) == [
        f"20,000 open files allow 9,925 idle clients of {way}, not 10,000" for way in (PRIVATE, HAPROXY)
    ]
    assert complaints_of_hold((1_000, 10_000), 20_000, LANES) == [
        "20,000 open files are too few for a switchover of 10,000 clients of baton private,"
        " which takes 30,150"
    ]
    assert complaints_of_hold((10, 10_000), 4_096, [SHARED]) == [
        "4,096 open files are too few for a switchover of 10,000 clients of baton shared, which takes 10,150"
    ]


def test_the_page_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# By hand\n\n{BEGIN}\nold figures\n{END}\n\n## What was tried\n")
    figures = Figures()
    figures.note(GET.name, SHARED, requests_per_s=50_000.0, p50_ms=0.5, p99_ms=1.0)
    write_page(page, a_run(figures))
    written = page.read_text()
    assert written.startswith(f"# By hand\n\n{BEGIN}\n")
    assert written.endswith(f"{END}\n\n## What was tried\n")
    assert "old figures" not in written
    assert f"| {GET.name} | 50.0k |" in written
    assert "- No envoy on this machine.\n" in written


def test_a_page_without_markers_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# By hand alone\n")
    with pytest.raises(SystemExit):
        main(["--quick", "--page", str(page)])
    assert "no markers" in capsys.readouterr().err
    assert page.read_text() == "# By hand alone\n"


def test_a_line_goes_through_its_points_on_logarithmic_axes() -> None:
    points = [Point(x, y, y, y) for x, y in ((10, 1), (100, 10), (1_000, 100))]
    root = ElementTree.fromstring(draw_lines("title", "x", "y", [Line("a line", "#000000", points)]))
    circles = root.findall("{http://www.w3.org/2000/svg}circle")
    (x1, y1), (x2, y2), (x3, y3) = ((float(one.attrib["cx"]), float(one.attrib["cy"])) for one in circles)
    assert (x2 - x1, y2 - y1) == pytest.approx((x3 - x2, y3 - y2), abs=0.2)
    assert x1 < x2 and y1 > y2
