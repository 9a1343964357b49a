"""``python -m scripts.baton_docs.photograph``: docs/page.png, the page to watch after two switchovers.

It takes a minute, a Chromium, and a machine that has nothing else to do: what the picture shows is what was
measured. It stands on what the tests have to start servers, the proxy and the browser.
"""

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import redis

from scripts.baton_docs.parts import DOCS
from tests.baton import BatonProcess
from tests.binaries import find_main
from tests.http.browser import Browser
from tests.servers import RedisServer, free_port

PICTURE = DOCS / "page.png"
WIDTH, HEIGHT = 1200, 900
WRITERS, WORKERS = 12, 3
THINK_S = 0.01
BEFORE_S, BETWEEN_S, AFTER_S = 25.0, 12.0, 12.0
"""So that the charts, which show a minute, have something to show."""


def write(client: redis.Redis, over: threading.Event) -> None:
    """Set and get, with time to think."""
    while not over.wait(THINK_S):
        client.set("key", 1)
        client.get("key")


def work(client: redis.Redis, over: threading.Event) -> None:
    """Wait for jobs that never come."""
    while not over.is_set():
        client.blpop(["queue"], 1)


def main() -> None:
    with TemporaryDirectory() as folder, ExitStack() as started:
        place = Path(folder)
        _, binary = max(find_main().items())
        servers = [RedisServer.start(binary, place / name) for name in ("a", "b")]
        for server in servers:
            started.callback(server.end)
        servers[1].replicate(servers[0])
        servers[1].wait_link_up()
        servers[0].wait_replicas(1)
        port = free_port()
        addresses = [server.address for server in servers]
        proxy = BatonProcess.start(addresses, place / "log", "--http", f"127.0.0.1:{port}")
        started.callback(proxy.end)
        over = threading.Event()
        for load in [write] * WRITERS + [work] * WORKERS:
            thread = threading.Thread(target=load, args=(proxy.client(), over))
            started.callback(thread.join)
            thread.start()
        started.callback(over.set)
        browser = Browser.start(place / "profile")
        started.callback(browser.end)
        browser.looks("light")
        browser.measures(WIDTH, HEIGHT)
        browser.open(f"http://127.0.0.1:{port}/")
        for seconds in (BEFORE_S, BETWEEN_S):
            time.sleep(seconds)
            print(proxy.switchover()["hold_ms"], "ms")
        time.sleep(AFTER_S)
        browser.shoot(PICTURE)


if __name__ == "__main__":
    main()
