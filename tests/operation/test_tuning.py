"""Settings while the proxy runs: shown, changed, read again, and really in force."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from proxy import telling
from proxy.config import SettingsError, load
from proxy.operation import switching
from proxy.relay.stage import Stage
from proxy.settings import SETTINGS, Settings
from proxy.switchover.errors import CalledOff
from proxy.switchover.stage import Promoted
from proxy.telling import Told
from tests.operation.conftest import Setting
from tests.operation.scene import Scene
from tests.servers import Pair
from tests.valve import ValvedPair
from tests.waiting import until

LIVE = {f"{each.table}.{each.key}": name for name, each in SETTINGS.items() if each.live}


def test_every_live_setting_is_tried_here() -> None:
    """Another one needs a test that shows its effect."""
    in_limits = """clients clients_per_address connections_per_second handshake_ms idle_s command_bytes
        command_arguments waiting_bytes waiting_commands clients_bytes process_bytes"""
    assert LIVE.keys() == {
        *(f"limits.{name}" for name in in_limits.split()),  # in tests/limits
        "limits.client_output_bytes",
        "limits.connect_timeout_ms",
        "limits.no_primary_wait_ms",
        "log.level",
        "proxy.drain_ms",  # in test_leaving
        "switchover.allow_sentinel",
        "switchover.budget_ms",
        "switchover.fence_ms",
        "switchover.maint_notifications",
        "switchover.max_lag_bytes",
    }


# Showing.


async def test_all_are_shown_but_secrets(set_scene: Setting, pair: Pair) -> None:
    scene = await set_scene(*pair, admin_password="secret1", http_token="secret2", password=None)
    shown = scene.operation.settings("*")
    assert shown.keys() == {f"{each.table}.{each.key}" for each in SETTINGS.values() if each.key}
    assert shown["switchover.budget_ms"] == "1000"
    assert shown["switchover.allow_sentinel"] == "false"
    assert shown["nodes.addresses"] == f"{pair.primary.address} {pair.replica.address}"
    assert shown["http.listen"] == ""
    assert "secret" not in str(shown)
    assert scene.operation.admin_password == "secret1"
    assert scene.operation.http_token == "secret2"


async def test_a_glob_chooses(scene: Scene) -> None:
    assert scene.operation.settings("switchover.*_ms").keys() == {
        "switchover.budget_ms",
        "switchover.fence_ms",
    }
    assert scene.operation.settings("SWITCHOVER.BUDGET_MS") == {"switchover.budget_ms": "1000"}
    assert scene.operation.settings("nothing") == {}


# Changing.


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("switchover.budget", "5", "unknown setting; did you mean switchover.budget_ms?"),
        ("xyz", "5", "unknown setting; CONFIG GET * tells all"),
        ("admin.password", "x", "unknown setting"),
        ("proxy.listen", "127.0.0.1:1", "cannot change while the proxy runs"),
        ("admin.password_file", "/etc/passwd", "cannot change while the proxy runs"),
        ("switchover.budget_ms", "soon", "must be a whole number, not 'soon'"),
        ("switchover.budget_ms", "0", "must be from 1 to 600000, not 0"),
        ("switchover.budget_ms", "30000", "the fence, 30000 ms, must be longer than the budget, 30000 ms"),
        ("switchover.fence_ms", "1000", "the fence, 1000 ms, must be longer than the budget, 1000 ms"),
        ("switchover.allow_sentinel", "perhaps", "must be true or false, not 'perhaps'"),
        ("log.level", "loud", "must be debug or info or warning or error, not 'loud'"),
        ("limits.client_output_bytes", "1", "must be from 1024"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_changes(
    scene: Scene, name: str, value: str, why: str
) -> None:
    before = scene.operation.settings("*")
    with pytest.raises(ValueError) as refused:
        scene.operation.change_setting(name, value)
    text = str(refused.value)
    assert why in text
    assert text.startswith(f"{name}: ")
    assert "\n" not in text
    assert scene.operation.settings("*") == before


async def test_a_change_is_told(scene: Scene, told: list[Told]) -> None:
    scene.operation.change_setting("Switchover.Budget_MS", "700")
    assert scene.operation.settings("switchover.budget_ms") == {"switchover.budget_ms": "700"}
    assert [(each["name"], each["value"]) for each in told if each["event"] == "+setting"] == [
        ("switchover.budget_ms", "700")
    ]


async def test_what_fits_together_only_after_two_changes_is_changed_in_that_order(scene: Scene) -> None:
    scene.operation.change_setting("switchover.fence_ms", "90000")
    scene.operation.change_setting("switchover.budget_ms", "60000")


# In force.


async def test_the_budget(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def converge(stage: Stage) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr(switching, "Stage", type("EndlessStage", (Stage,), {"converge": converge}))
    scene.operation.change_setting("switchover.budget_ms", "77")
    with pytest.raises(CalledOff, match=r"^converge: not within the budget of 77 ms"):
        await scene.operation.switchover(None, None)


async def test_the_fence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    fences = []

    async def promote(stage: Stage, fence: float, within: float) -> Promoted:
        fences.append(fence)
        return await Stage.promote(stage, fence, within)

    monkeypatch.setattr(switching, "Stage", type("NotingStage", (Stage,), {"promote": promote}))
    scene.operation.change_setting("switchover.fence_ms", "4321")
    await scene.operation.switchover(None, None)
    assert fences == [4.321]


async def test_allow_sentinel(scene: Scene, pair: Pair) -> None:
    pair.primary.client(client_name="sentinel-12345678-cmd").ping()

    async def verdicts() -> list[str]:
        return [each.verdict for each in await scene.operation.check(None) if "entinel" in each.text]

    assert "refuse" in await verdicts()
    scene.operation.change_setting("switchover.allow_sentinel", "TRUE")
    assert "refuse" not in await verdicts()


async def test_max_lag_bytes(set_scene: Setting, pair: Pair) -> None:
    valved = ValvedPair.of(pair)
    scene = await set_scene(*pair)
    valved.valve.shut()
    try:
        pair.primary.command("SET", "k", "x" * 100_000)
        scene.operation.change_setting("switchover.max_lag_bytes", "200000")
        assert not [each for each in await scene.operation.check(None) if each.verdict == "refuse"]
        scene.operation.change_setting("switchover.max_lag_bytes", "50000")
        assert [each.name for each in await scene.operation.check(None) if each.verdict == "refuse"] == [
            "lag"
        ]
    finally:
        valved.valve.close()


async def test_maint_notifications(scene: Scene) -> None:
    client = await scene.client()
    await client.ask("HELLO", 3)
    assert await client.ask("CLIENT", "MAINT_NOTIFICATIONS", "ON") == "OK"
    scene.operation.change_setting("switchover.maint_notifications", "false")
    assert "MAINT_NOTIFICATIONS" in str(await client.ask("CLIENT", "MAINT_NOTIFICATIONS", "ON"))


async def test_client_output_bytes(scene: Scene, pair: Pair) -> None:
    pair.primary.command("SET", "big", b"x" * (12 << 20))

    async def does_not_read() -> int:
        """How many clients are left when one did not read 24 MiB."""
        client = await scene.client()
        await client.send("GET", "big")
        await client.send("GET", "big")
        await until(lambda: any(each.unsent_bytes for each in scene.route.clients), "it does not read")
        await scene.operation.hold(5000)
        left = len(scene.route.clients)
        scene.operation.release()
        await client.stream.aclose()
        await until(lambda: not scene.route.clients, "it is gone")
        return left

    assert await does_not_read() == 1
    scene.operation.change_setting("limits.client_output_bytes", "1048576")
    assert await does_not_read() == 0


async def test_no_primary_wait_ms(scene: Scene, pair: Pair) -> None:
    pair.primary.command("REPLICAOF", "127.0.0.1", pair.replica.port)
    scene.route.suspect.set()
    await until(lambda: scene.route.primary is None, "there is none")
    client = await scene.client()
    await client.send("GET", "k")
    scene.operation.change_setting("limits.no_primary_wait_ms", "1")
    scene.route.suspect.set()
    assert await client.is_closed()


async def test_connect_timeout_ms(scene: Scene, pair: Pair) -> None:
    scene.operation.change_setting("limits.connect_timeout_ms", "123")
    assert scene.route.connect_timeout == 0.123
    node = scene.route.nodes[1]
    node.close()
    pair.replica.freeze()
    findings = await scene.operation.check(None)
    pair.replica.thaw()
    assert [each.text for each in findings if each.name == "answers"] == [
        f"{node}: no connection within 0.123 s"
    ]
    assert scene.operation.membership.make(node.address).connect_within == 0.123


@pytest.fixture
def level() -> Iterator[None]:
    before = telling.level()
    yield
    telling.set_level(before)


@pytest.mark.usefixtures("level")
async def test_the_level_of_the_log(scene: Scene) -> None:
    scene.operation.change_setting("log.level", "error")
    assert telling.level() == "error"


# Reading again.


class Written:
    """A file of settings, the environment, and the flags of the start."""

    def __init__(self, path: Path, pair: Pair) -> None:
        self.path = path / "baton.toml"
        self.nodes = [pair.primary.address, pair.replica.address]
        self.environment: dict[str, str] = {}
        self.flags: dict[str, Any] = {"config": str(self.path)}
        self.write()

    def write(self, **tables: str) -> None:
        tables = {"nodes": "", "lanes": 'mode = "private"', **tables}
        tables["nodes"] = f"addresses = {self.nodes!r}\n{tables['nodes']}"
        self.path.write_text("".join(f"[{table}]\n{lines}\n" for table, lines in tables.items()))

    def load(self) -> Settings:
        return load(self.flags, self.environment)


@pytest.fixture
def written(tmp_path: Path, pair: Pair) -> Written:
    return Written(tmp_path, pair)


@pytest.fixture
async def reloading(set_scene: Setting, pair: Pair, written: Written) -> Scene:
    scene = await set_scene(*pair, load_again=written.load)
    scene.operation.ground.settings = written.load()
    return scene


async def test_what_may_change_is_taken_over_and_told(
    reloading: Scene, written: Written, told: list[Told]
) -> None:
    written.write(switchover="budget_ms = 800\nmaint_notifications = false")
    lines = ["switchover.budget_ms: 800, was 1000", "switchover.maint_notifications: false, was true"]
    assert list(await reloading.operation.reload_settings()) == lines
    assert [each["changes"] for each in told if each["event"] == "+reloaded"] == [lines]
    assert reloading.operation.settings("switchover.budget_ms") == {"switchover.budget_ms": "800"}
    assert not reloading.route.common.maintenance
    assert list(await reloading.operation.reload_settings()) == []


async def test_flags_and_environment_win_as_at_the_start(reloading: Scene, written: Written) -> None:
    written.flags["budget_ms"] = "900"
    written.environment["BATON_SWITCHOVER_FENCE_MS"] = "50000"
    written.write(switchover="budget_ms = 800\nfence_ms = 40000")
    await reloading.operation.reload_settings()
    assert reloading.operation.settings("switchover.*_ms") == {
        "switchover.budget_ms": "900",
        "switchover.fence_ms": "50000",
    }


async def test_what_was_changed_by_hand_gives_way(reloading: Scene) -> None:
    reloading.operation.change_setting("switchover.budget_ms", "5")
    assert list(await reloading.operation.reload_settings()) == ["switchover.budget_ms: 1000, was 5"]


async def test_what_wants_a_restart_is_told_each_time(reloading: Scene, written: Written) -> None:
    written.write(lanes='mode = "private"\nper_identity = 3', proxy='listen = "127.0.0.1:1234"')
    for _ in range(2):
        assert list(await reloading.operation.reload_settings()) == [
            "proxy.listen: 127.0.0.1:1234 wants a restart; 127.0.0.1:7000 is in force",
            "lanes.per_identity: 3 wants a restart; 1 is in force",
        ]


async def test_nodes_are_not_taken_in_by_a_file(reloading: Scene, written: Written, pair: Pair) -> None:
    written.nodes = [pair.primary.address, "127.0.0.1:1"]
    written.write()
    assert list(await reloading.operation.reload_settings()) == [
        "nodes.addresses: 127.0.0.1:1 is not among the nodes; NODES ADD 127.0.0.1:1",
        f"nodes.addresses: {pair.replica.address} is not there any more; NODES REMOVE {pair.replica.address}",
    ]
    assert [each.address for each in reloading.operation.nodes()] == [
        pair.primary.address,
        pair.replica.address,
    ]


async def test_a_mistake_changes_nothing(reloading: Scene, written: Written) -> None:
    before = reloading.operation.settings("*")
    written.write(switchover='budget_ms = 800\nfence_ms = "long"')
    with pytest.raises(SettingsError, match="fence_ms"):
        await reloading.operation.reload_settings()
    assert reloading.operation.settings("*") == before


async def test_other_secrets_are_taken_over_and_not_shown(
    reloading: Scene, written: Written, tmp_path: Path, pair: Pair, told: list[Told]
) -> None:
    (tmp_path / "token").write_text("token-two\n")
    written.write(http='token_file = "token"')
    written.environment["BATON_ADMIN_PASSWORD"] = "password-two"
    lines = await reloading.operation.reload_settings()
    assert reloading.operation.admin_password == "password-two"
    assert reloading.operation.http_token == "token-two"
    assert [line.split(":")[0] for line in lines] == [
        "admin.password_file",
        "http.token_file",
        "http.token_file",
    ]
    assert "two" not in f"{lines}{told}"


async def test_connections_to_nodes_log_in_with_the_new_password(
    reloading: Scene, written: Written, pair: Pair
) -> None:
    for node in pair:
        node.client().config_set("requirepass", "new")
        node.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    written.environment["BATON_NODES_PASSWORD"] = "new"
    lines = await reloading.operation.reload_settings()
    assert list(lines) == ["nodes.password_file: the secret has changed"]
    reloading.route.suspect.set()
    await until(lambda: not reloading.keeper.why, lambda: f"all is well: {reloading.keeper.why}")
    assert await reloading.route.nodes[0].role()


async def test_a_password_is_not_taken_from_a_console_that_others_reach(
    set_scene: Setting, pair: Pair, written: Written
) -> None:
    written.environment["BATON_ADMIN_PASSWORD"] = "secret"
    written.write(admin='listen = "0.0.0.0:7379"')
    scene = await set_scene(*pair, load_again=written.load)
    scene.operation.ground.settings = written.load()
    del written.environment["BATON_ADMIN_PASSWORD"]
    written.write()  # loopback needs none, but that wants a restart
    with pytest.raises(SettingsError, match=r"^reload: 0\.0\.0\.0:7379 is not loopback"):
        await scene.operation.reload_settings()
    assert scene.operation.admin_password == "secret"


async def test_another_user_comes_with_his_password(reloading: Scene, written: Written, pair: Pair) -> None:
    for node in pair:
        node.command("ACL", "SETUSER", "keeper", "on", ">pw", "~*", "&*", "+@all")
    written.environment["BATON_NODES_PASSWORD"] = "pw"
    written.environment["BATON_NODES_USER"] = "keeper"
    await reloading.operation.reload_settings()
    for known in reloading.route.nodes:
        known.close()
    assert await reloading.route.nodes[0].role()
    assert "user=keeper" in str(pair.primary.command("CLIENT", "LIST"))


async def test_without_anything_to_read_it_says_so(scene: Scene) -> None:
    with pytest.raises(SettingsError, match=r"^reload: there is nothing to read again$"):
        await scene.operation.reload_settings()
