"""No secret is in any event, whatever happens: looked for in the log at its lowest level, and in the feed."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import hiredis
import httpx
import pytest

from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.talking import Talk

NODES, ADMIN, TOKEN = "apricot-of-the-nodes", "cherry-of-the-console", "damson-of-http"
CLIENT, WRONG, VALUE, KEY = "medlar-of-a-client", "sloe-of-nobody", "quince-as-a-value", "bullace-as-a-key"
SECRETS = (NODES, ADMIN, TOKEN, CLIENT, WRONG, VALUE, KEY)

MISTAKES = (
    ["SWITCHOVER", "TO", "127.0.0.1:1"],
    [ADMIN],
    ["SWITCHOVER", NODES],
    ["CONFIG", "SET", "admin.password", ADMIN],
    ["CONFIG", "SET", "http.token", TOKEN],
    ["CONFIG", "SET", "nodes.password", NODES],
    ["AUTH", WRONG],
    ["HELLO", "3", "AUTH", "default", WRONG],
)
"""What somebody may say to the console; nothing of it is done."""

Start = Callable[..., BatonProcess]


@contextmanager
def console(proxy: BatonProcess) -> Iterator[Talk]:
    with socket.create_connection(("127.0.0.1", proxy.admin_port), 40) as connection:
        yield Talk(connection)


def post(proxy: BatonProcess, token: str) -> int:
    """Ask for a switchover to nowhere, and return the status."""
    url = f"http://127.0.0.1:{proxy.http_port}/v1/switchover"
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.post(url, json={"to": "127.0.0.1:1"}, headers=headers, timeout=40).status_code


@pytest.fixture
def guarded(redis_server: Callable[..., RedisServer]) -> Pair:
    """A pair in sync that wants a password of everybody."""
    config = (f"requirepass {NODES}", f"masterauth {NODES}", f"user picker on >{CLIENT} ~* &* +@all")
    pair = Pair(redis_server(*config), redis_server(*config))
    pair.replica.replicate(pair.primary)
    pair.replica.wait_link_up()
    pair.primary.wait_replicas(1)
    return pair


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_ever_told(form: str, guarded: Pair, baton: Start) -> None:
    proxy = baton(
        *guarded,
        "--http",
        "127.0.0.1:0",
        "--log-level",
        "debug",
        environment={
            "BATON_NODES_PASSWORD": NODES,
            "BATON_ADMIN_PASSWORD": ADMIN,
            "BATON_HTTP_TOKEN": TOKEN,
            "BATON_LOG_FORMAT": form,
        },
    )
    picker, stranger, half = (Talk(proxy.raw()) for _ in range(3))
    with console(proxy) as operator, console(proxy) as feed, console(proxy) as nobody:
        assert [each.ask("AUTH", ADMIN) for each in (operator, feed)] == ["OK", "OK"]
        assert feed.ask("SUBSCRIBE", "events")[0] == "subscribe"
        assert picker.ask("AUTH", "picker", CLIENT) == "OK"
        assert str(stranger.ask("AUTH", "picker", WRONG)).startswith("WRONGPASS")
        assert picker.ask("SET", KEY, VALUE) == "OK"
        half.send("HELLO", 3, "AUTH", "picker", CLIENT)
        assert "done" in operator.ask("SWITCHOVER")
        for mistake in MISTAKES:
            assert isinstance(operator.ask(*mistake), hiredis.ReplyError)
            assert isinstance(nobody.ask(*mistake), hiredis.ReplyError)
        assert [post(proxy, token) for token in (TOKEN, WRONG)] == [422, 401]
        guarded.replica.kill()  # it was made the primary
        heard = [feed.reply()[2]]
        while "-nodes-amiss" not in heard[-1]:
            heard.append(feed.reply()[2])
    names = {json.loads(each)["event"] for each in heard}
    assert {"+asked", "+switched-over", "-refused", "-console-login", "-nodes-amiss"} <= names
    assert {name for name in names if name not in proxy.log()} == set()
    said = proxy.log() + "\n".join(heard)
    assert [secret for secret in SECRETS if secret in said] == []
