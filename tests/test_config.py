"""Where settings come from, which place wins, and that a mistake is one line that names its place."""

import re
import tomllib
from pathlib import Path

import attrs
import pytest

from proxy.config import Settings, SettingsError, load, read
from proxy.nodes.address import Address
from proxy.settings import PASSWORDS, SETTINGS

EXAMPLE = Path(__file__).parent.parent / "configs" / "baton.toml"
NODE = "10.0.0.1:6379"
OTHER = "10.0.0.2:6379"
ADDRESSES = f'[nodes]\naddresses = ["{NODE}", "{OTHER}"]\n'


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "b.toml"
    file.write_text(text)
    return str(file)


def told(flags: dict[str, str | list[str]], environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(flags, environ)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nodes_are_all_that_must_be_given() -> None:
    nodes = (Address("10.0.0.1", 6379), Address("10.0.0.2", 6379))
    assert load({"nodes": [NODE, OTHER]}, {}) == Settings(nodes=nodes)


def test_flags_beat_environment_beats_file_beats_defaults(tmp_path: Path) -> None:
    file = written(tmp_path, f"{ADDRESSES}[switchover]\nbudget_ms = 11\n[limits]\nscripts_count = 12\n")
    environ = {
        "BATON_SWITCHOVER_BUDGET_MS": "21",
        "BATON_LIMITS_SCRIPTS_COUNT": "22",
        "BATON_ADMIN": "[::1]:22",
    }
    assert load({"config": file}, {}).budget_ms == 11
    assert load({"config": file}, environ).budget_ms == 21
    settings = load({"config": file, "budget_ms": "31", "nodes": ["10.0.0.9:1"]}, environ)
    assert settings.budget_ms == 31
    assert settings.scripts_count == 22
    assert settings.admin == Address("::1", 22)
    assert settings.nodes == (Address("10.0.0.9", 1),)
    assert settings.fence_ms == Settings().fence_ms


def test_every_setting_can_be_given_in_the_environment() -> None:
    environ = {
        "BATON_LISTEN": "0.0.0.0:0",
        "BATON_TLS_LISTEN": "0.0.0.0:0",
        "BATON_PROXY_TLS_CERTIFICATE_FILE": "a.crt",
        "BATON_PROXY_TLS_KEY_FILE": "a.key",
        "BATON_PROXY_TLS_CA_FILE": "a.ca",
        "BATON_PROXY_TLS_CLIENT_CERTIFICATES": "optional",
        "BATON_UNIX_LISTEN": "/run/b",
        "BATON_PROXY_UNIX_MODE": "0770",
        "BATON_PROXY_PROXY_PROTOCOL_FROM": "10.0.0.0/8, ::1",
        "BATON_PROXY_DRAIN_MS": "5",
        "BATON_ADMIN": "localhost:0",
        "BATON_ADMIN_PASSWORD": "pear",
        "BATON_ADMIN_VIEWER_PASSWORD": "peach",
        "BATON_ADMIN_TLS_CERTIFICATE_FILE": "b.crt",
        "BATON_ADMIN_TLS_KEY_FILE": "b.key",
        "BATON_ADMIN_TLS_CA_FILE": "b.ca",
        "BATON_HTTP": "0.0.0.0:0",
        "BATON_HTTP_TOKEN": "plum",
        "BATON_HTTP_VIEWER_TOKEN": "prune",
        "BATON_HTTP_TLS_CERTIFICATE_FILE": "c.crt",
        "BATON_HTTP_TLS_KEY_FILE": "c.key",
        "BATON_HTTP_TLS_CA_FILE": "c.ca",
        "BATON_LOG_LEVEL": "debug",
        "BATON_LOG_FORMAT": "json",
        "BATON_NODES": f"{NODE}, {OTHER}\tredis-c:6379",
        "BATON_NODES_USER": "baton",
        "BATON_NODES_PASSWORD": " s3cret ",
        "BATON_NODES_ANNOUNCE": f"{NODE}=redis-a:1,{OTHER}=redis-b:2",
        "BATON_NODES_TLS": "true",
        "BATON_NODES_TLS_CA_FILE": "d.ca",
        "BATON_NODES_TLS_SERVER_NAME": "redis",
        "BATON_NODES_TLS_CERTIFICATE_FILE": "d.crt",
        "BATON_NODES_TLS_KEY_FILE": "d.key",
        "BATON_LANES_MODE": "private",
        "BATON_LANES_PER_IDENTITY": "2",
        "BATON_SWITCHOVER_BUDGET_MS": "1",
        "BATON_SWITCHOVER_FENCE_MS": "2",
        "BATON_SWITCHOVER_ALLOW_SENTINEL": "True",
        "BATON_SWITCHOVER_MAINT_NOTIFICATIONS": "false",
        "BATON_SWITCHOVER_MAX_LAG_BYTES": "1024",
        "BATON_LIMITS_CLIENTS": "11",
        "BATON_LIMITS_CLIENTS_PER_ADDRESS": "12",
        "BATON_LIMITS_CONNECTIONS_PER_SECOND": "13",
        "BATON_LIMITS_HANDSHAKE_MS": "14",
        "BATON_LIMITS_IDLE_S": "15",
        "BATON_LIMITS_COMMAND_BYTES": "65537",
        "BATON_LIMITS_COMMAND_ARGUMENTS": "16385",
        "BATON_LIMITS_WAITING_BYTES": "1029",
        "BATON_LIMITS_WAITING_COMMANDS": "17",
        "BATON_LIMITS_CLIENTS_BYTES": "1030",
        "BATON_LIMITS_PROCESS_BYTES": "18",
        "BATON_LIMITS_CLIENT_OUTPUT_BYTES": "1025",
        "BATON_LIMITS_TRANSACTION_BYTES": "1026",
        "BATON_LIMITS_SCRIPTS_COUNT": "0",
        "BATON_LIMITS_SCRIPTS_BYTES": "1027",
        "BATON_LIMITS_NO_PRIMARY_WAIT_MS": "3",
        "BATON_LIMITS_CONNECT_TIMEOUT_MS": "4",
    }
    secrets = ("ADMIN_PASSWORD", "ADMIN_VIEWER_PASSWORD", "HTTP_TOKEN", "HTTP_VIEWER_TOKEN", "NODES_PASSWORD")
    files = {f"BATON_{name}_FILE" for name in secrets}
    assert {setting.env for setting in SETTINGS.values()} == {*environ, *files}
    settings = load({}, environ)
    kept = tuple(getattr(settings, name) for name in PASSWORDS)
    assert kept == (" s3cret ", "pear", "peach", "plum", "prune")
    assert not any(secret.strip() in repr(settings) for secret in kept)
    assert (settings.unix_mode, len(settings.proxy_protocol_from)) == (0o770, 2)
    assert settings.announce == {
        Address.parse(NODE): Address("redis-a", 1),
        Address.parse(OTHER): Address("redis-b", 2),
    }
    assert [str(node) for node in settings.nodes] == [NODE, OTHER, "redis-c:6379"]
    unchanged = {name for name, value in attrs.asdict(Settings()).items() if getattr(settings, name) == value}
    assert unchanged == set(PASSWORDS.values())


def test_every_setting_says_where_it_stands_and_what_it_means() -> None:
    assert list(SETTINGS) == [each.name for each in attrs.fields(Settings)]
    for setting in SETTINGS.values():
        assert setting.doc.endswith(".")


def test_the_annotated_example_has_every_key_at_its_default() -> None:
    text = EXAMPLE.read_text()
    tables = tomllib.loads(re.sub(r"(?m)^#(?=[\w\"])", "", text))
    in_file = {setting.in_file: name for name, setting in SETTINGS.items() if setting.key}
    shown = {f"[{table}] {key}": value for table, keys in tables.items() for key, value in keys.items()}
    assert list(shown) == list(in_file)
    for place, name in in_file.items():
        default = getattr(Settings(), name)
        if default not in (None, (), {}):  # else there is a sample
            shows = isinstance(default, str | int) and name != "unix_mode"
            assert shown[place] == (default if shows else SETTINGS[name].text(default)), place
    for setting in SETTINGS.values():
        assert re.search(rf"\b{setting.env}\b", text), setting.env
        assert setting.flag is None or re.search(rf"{setting.flag}\b", text), setting.flag


def test_the_annotated_example_works_as_it_is_and_with_all_uncommented(tmp_path: Path) -> None:
    nodes = (Address("127.0.0.1", 6379), Address("127.0.0.1", 6380))
    assert load({"config": str(EXAMPLE)}, {}) == Settings(nodes=nodes)
    for name in ("password", "admin-password", "viewer-password", "http-token", "http-viewer-token"):
        (tmp_path / name).write_text(f"the {name}\n")
    text = re.sub(r"(?m)^#(?=[\w\"])", "", EXAMPLE.read_text()).replace("/etc/baton", str(tmp_path))
    settings = load({"config": written(tmp_path, text.replace("\ntls = false\n", "\ntls = true\n"))}, {})
    assert settings.announce == {nodes[0]: Address("10.0.0.5", 6379)}
    assert (settings.user, settings.password) == ("baton", "the password")
    assert (settings.admin_password, settings.http_token) == ("the admin-password", "the http-token")
    assert settings.http == Address("127.0.0.1", 7380)


@pytest.mark.parametrize("text", ["s3 cret", "s3 cret\n", "s3 cret\r\n"])
def test_one_newline_at_the_end_of_a_password_file_does_not_count(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_bytes(text.encode())
    settings = load({"nodes": [NODE], "password_file": str(tmp_path / "secret")}, {})
    assert settings.password == "s3 cret"
    assert "s3 cret" not in repr(settings)


def test_a_password_file_named_in_a_file_is_looked_for_beside_it(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("near")
    assert load({"config": written(tmp_path, ADDRESSES + 'password_file = "secret"')}, {}).password == "near"


def test_of_two_passwords_the_one_from_the_higher_place_is_taken(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file")
    file = written(tmp_path, ADDRESSES + 'password_file = "secret"')
    environ = {"BATON_NODES_PASSWORD": "from the environment"}
    assert load({"config": file}, environ).password == "from the environment"
    flags: dict[str, str | list[str]] = {"config": file, "password_file": str(tmp_path / "secret")}
    assert load(flags, environ).password == "from a file"


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    environ = {"BATON_CONFIG": written(tmp_path, ADDRESSES)}
    assert len(load({}, environ).nodes) == 2
    flags: dict[str, str | list[str]] = {"config": str(tmp_path / "absent.toml")}
    assert told(flags, environ) == f"--config: {tmp_path}/absent.toml: No such file or directory"
    assert told({}, {"BATON_CONFIG": str(tmp_path)}) == f"BATON_CONFIG: {tmp_path}: Is a directory"
    assert told(flags, environ).startswith("--config: "), "a flag beats a variable here, too"


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    file = written(tmp_path, ADDRESSES + 'password_file = "a\\u0000b"')
    assert told({"config": file}, {}).endswith("no file has such a name")


def test_an_empty_variable_counts_as_not_set() -> None:
    assert load({"nodes": [NODE]}, {"BATON_LISTEN": "", "BATON_NODES_PASSWORD": ""}).password is None


def test_what_kubernetes_sets_for_a_service_called_baton_is_no_mistake() -> None:
    names = [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_REDIS",
        "PORT",
        "PORT_6379_TCP",
        "PORT_6379_TCP_ADDR",
    ]
    environ = {f"BATON_{prefix}{name}": "tcp://10.0.0.1:6379" for name in names for prefix in ("", "ADMIN_")}
    assert load({"nodes": [NODE]}, environ) == load({"nodes": [NODE]}, {})


# What is in the file, and what is told of it. FILE stands for the file's name.
IN_FILE = [
    ('[nodes]\nadresses = ["a:1"]', "FILE: [nodes] adresses: unknown key; did you mean addresses?"),
    ("[nodes]\nzebra = 1", "FILE: [nodes] zebra: unknown key"),
    ("[node]\n", "FILE: [node]: unknown table; did you mean [nodes]?"),
    ('listen = "a:1"', "FILE: listen: must be a table or stand in one, as in [proxy]"),
    ("[[proxy]]\n", "FILE: proxy: must be a table or stand in one, as in [proxy]"),
    ("[proxy]\nlisten = 7000", "FILE: [proxy] listen: must be text, HOST:PORT, not 7000"),
    (
        '[proxy]\nlisten = "a:65536"',
        "FILE: [proxy] listen: 'a:65536' is not HOST:PORT: the port must be a number",
    ),
    ('[proxy]\nlisten = "a"', "FILE: [proxy] listen: 'a' is not HOST:PORT"),
    ("[proxy\n", "FILE: "),
    ("[proxy]\nlisten = 'a:1'\nlisten = 'a:2'", "FILE: "),
    ('[nodes]\naddresses = "a:1"', "FILE: [nodes] addresses: must be a list of \"HOST:PORT\", not 'a:1'"),
    ("[nodes]\naddresses = [1]", "FILE: [nodes] addresses: must be text, HOST:PORT, not 1"),
    ('[nodes]\naddresses = ["a:0"]', "FILE: [nodes] addresses: a:0: port 0 is no place for a node"),
    ('[nodes]\naddresses = ["a:1", "A:1"]', "FILE: [nodes] addresses: A:1 is named twice"),
    (
        '[nodes]\naddresses = ["localhost:1", "127.0.0.1:1"]',
        "FILE: [nodes] addresses: 127.0.0.1:1 is named twice",
    ),
    ("[nodes]\naddresses = []", "FILE: [nodes] addresses: no nodes; name the primary and its replicas"),
    ("[nodes]\n", "FILE: [nodes] addresses: no nodes; name the primary and its replicas"),
    (
        '[nodes]\npassword = "x"',
        "FILE: [nodes] password: no place for a password; use password_file or",
    ),
    ('[nodes]\nuser = ""', "FILE: [nodes] user: must be text, not ''"),
    (ADDRESSES + 'user = "u"', "FILE: [nodes] user: a user needs a password"),
    (
        ADDRESSES + 'password_file = "none"',
        "FILE: [nodes] password_file: DIR/none: No such file or directory",
    ),
    (ADDRESSES + 'password_file = "empty"', "FILE: [nodes] password_file: DIR/empty: is empty"),
    (ADDRESSES + 'password_file = "latin"', "FILE: [nodes] password_file: DIR/latin: is not UTF-8 text"),
    (ADDRESSES + 'announce = "a:1"', "FILE: [nodes] announce: must be a table"),
    (ADDRESSES + '[nodes.announce]\n"a:1" = "b:1"', "FILE: [nodes] announce: a:1 is not among the nodes"),
    (ADDRESSES + f'[nodes.announce]\n"{NODE}" = "b"', "FILE: [nodes] announce: 'b' is not HOST:PORT"),
    ('[switchover]\nbudget_ms = "9"', "FILE: [switchover] budget_ms: must be a whole number, not '9'"),
    ("[switchover]\nbudget_ms = 0.5", "FILE: [switchover] budget_ms: must be a whole number, not 0.5"),
    ("[switchover]\nbudget_ms = true", "FILE: [switchover] budget_ms: must be a whole number, not true"),
    ("[switchover]\nbudget_ms = 0", "FILE: [switchover] budget_ms: must be from 1 to 600000, not 0"),
    ("[switchover]\nallow_sentinel = 1", "FILE: [switchover] allow_sentinel: must be true or false, not 1"),
    (
        ADDRESSES + "[switchover]\nfence_ms = 999",
        "FILE: [switchover] fence_ms: the fence, 999 ms, must be longer",
    ),
    (f'{ADDRESSES}[proxy]\nlisten = "{NODE}"', "FILE: [nodes] addresses: 10.0.0.1:6379 is the proxy's own"),
    (f'{ADDRESSES}[http]\nlisten = "{NODE}"', "FILE: [nodes] addresses: 10.0.0.1:6379 is the proxy's own"),
    (
        f'{ADDRESSES}[admin]\nlisten = "0.0.0.0:7379"',
        "FILE: [admin] listen: 0.0.0.0:7379 is not loopback: who may come from elsewhere needs a password",
    ),
    ('[admin]\npassword = "x"', "FILE: [admin] password: no place for a password; use password_file or"),
    ('[http]\ntoken = "x"', "FILE: [http] token: no place for a token; use token_file or BATON_HTTP_TOKEN"),
    (ADDRESSES + '[http]\ntoken_file = "none"', "FILE: [http] token_file: DIR/none: No such file"),
    ('[log]\nlevel = "loud"', "FILE: [log] level: must be debug or info or warning or error, not 'loud'"),
]


@pytest.mark.parametrize(("text", "expected"), IN_FILE)
def test_a_mistake_in_a_file_names_file_table_and_key(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "latin").write_bytes(b"\xe9")
    file = written(tmp_path, text)
    assert told({"config": file}, {}).startswith(expected.replace("FILE", file).replace("DIR", str(tmp_path)))


IN_ENVIRONMENT = [
    ({"BATON_NODES": "a"}, "BATON_NODES: 'a' is not HOST:PORT"),
    ({"BATON_NODES": "a:1 a:1"}, "BATON_NODES: a:1 is named twice"),
    ({"BATON_NODES": ","}, "BATON_NODES: no nodes"),
    ({"BATON_LISTEN": "a:x"}, "BATON_LISTEN: 'a:x' is not HOST:PORT"),
    ({"BATON_LISTN": "a:1"}, "BATON_LISTN: unknown variable; did you mean BATON_LISTEN?"),
    ({"BATON_PORT_X": "a:1"}, "BATON_PORT_X: unknown variable"),
    ({"BATON_SWITCHOVER_BUDGET_MS": "1s"}, "BATON_SWITCHOVER_BUDGET_MS: must be a whole number, not '1s'"),
    (
        {"BATON_SWITCHOVER_ALLOW_SENTINEL": "ja"},
        "BATON_SWITCHOVER_ALLOW_SENTINEL: must be true or false, not 'ja'",
    ),
    ({"BATON_NODES_ANNOUNCE": "a:1"}, "BATON_NODES_ANNOUNCE: must be NODE=HOST:PORT, not 'a:1'"),
    (
        {"BATON_NODES_PASSWORD": "x", "BATON_NODES_PASSWORD_FILE": "y"},
        "BATON_NODES_PASSWORD: BATON_NODES_PASSWORD_FILE is set too; one of them must go",
    ),
]


@pytest.mark.parametrize(("environ", "expected"), IN_ENVIRONMENT)
def test_a_mistake_in_the_environment_names_the_variable(environ: dict[str, str], expected: str) -> None:
    assert told({}, environ).startswith(expected)


IN_FLAGS: list[tuple[dict[str, str | list[str]], str]] = [
    ({}, "--node: no nodes; name the primary and its replicas: --node HOST:PORT --node HOST:PORT"),
    ({"nodes": ["a:1", "b"]}, "--node: 'b' is not HOST:PORT"),
    ({"nodes": [NODE, NODE]}, f"--node: {NODE} is named twice"),
    ({"listen": "nowhere"}, "--listen: 'nowhere' is not HOST:PORT"),
    (
        {"nodes": [NODE], "listen": "127.0.0.1:7379"},
        "--listen: clients and console cannot share 127.0.0.1:7379",
    ),
    (
        {"nodes": [NODE], "admin": "localhost:7000"},
        "--admin: clients and console cannot share 127.0.0.1:7000",
    ),
    (
        {"nodes": [NODE], "listen": "a:1", "admin": "0.0.0.0:1"},
        "--admin: clients and console cannot share a:1",
    ),
    (
        {"nodes": [NODE], "http": "127.0.0.1:7379"},
        "--http: console and HTTP cannot share 127.0.0.1:7379",
    ),
    ({"nodes": [NODE], "admin": "10.0.0.9:1"}, "--admin: 10.0.0.9:1 is not loopback"),
    ({"nodes": ["localhost:7379"]}, "--node: 127.0.0.1:7379 is the proxy's own [admin] listen"),
    (
        {"nodes": [NODE], "budget_ms": "30000"},
        "--budget-ms: the fence, 30000 ms, must be longer than the budget",
    ),
    ({"nodes": [NODE], "password_file": "/none"}, "--nodes-password-file: /none: No such file or directory"),
]


@pytest.mark.parametrize(("flags", "expected"), IN_FLAGS)
def test_a_mistake_in_a_flag_names_the_flag(flags: dict[str, str | list[str]], expected: str) -> None:
    assert told(flags, {}).startswith(expected)


ALL_AT_ONCE = """\
[proxy]
listen = "a"
drain_ms = 0
[admin]
listen = "0.0.0.0:7379"
pasword_file = "x"
[nodes]
adresses = ["b:1"]
[nodes.announce]
"c:1" = "d:1"
[switchover]
budget_ms = "many"
[logs]
"""


def mistakes(flags: dict[str, str | list[str]], environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(flags, environ)
    return list(caught.value.mistakes)


def test_all_mistakes_are_told_at_once_and_nothing_that_merely_follows_from_them(tmp_path: Path) -> None:
    file = written(tmp_path, ALL_AT_ONCE)
    told = mistakes({"config": file}, {"BATON_LISTN": "b:1", "BATON_HTTP": "b"})
    assert [line.removeprefix(f"{file}: ").partition(":")[0] for line in told] == [
        "[proxy] listen",
        "[proxy] drain_ms",
        "[admin] pasword_file",
        "[nodes] adresses",
        "[switchover] budget_ms",
        "[logs]",
        "BATON_LISTN",
        "BATON_HTTP",
    ]
    assert not any("no nodes" in line or "is not loopback" in line for line in told)
    assert all("\n" not in line for line in told)


def test_mistakes_that_show_only_together_are_all_told(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        f'{ADDRESSES}user = "u"\n[nodes.announce]\n"c:1" = "d:1"\n'
        '[admin]\nlisten = "0.0.0.0:7000"\n[switchover]\nbudget_ms = 40000\n',
    )
    assert [line.removeprefix(f"{file}: ").partition(":")[0] for line in mistakes({"config": file}, {})] == [
        "[admin] listen",
        "[admin] listen",
        "[nodes] announce",
        "[nodes] user",
        "[switchover] budget_ms",
    ]


CRT, KEY, CA = (f'tls_{name}_file = "a"\n' for name in ("certificate", "key", "ca"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            '[proxy]\nlisten = "off"',
            "[proxy] listen: no place for clients; [proxy] listen, tls_listen or unix_li",
        ),
        ('[proxy]\ntls_listen = "a:1"', "[proxy] tls_listen: TLS wants a certificate: tls_certificate_file"),
        (f"[proxy]\n{CRT}", "[proxy] tls_certificate_file: is of no use without proxy.tls_listen"),
        (f"[proxy]\n{KEY}", "[proxy] tls_key_file: is of no use without proxy.tls_certificate_file"),
        (f"[admin]\n{CA}", "[admin] tls_ca_file: is of no use without admin.tls_certificate_file"),
        (f"[http]\n{CRT}", "[http] tls_certificate_file: is of no use without http.listen"),
        (
            f'[proxy]\ntls_listen = "a:1"\n{CRT}tls_client_certificates = "optional"',
            "[proxy] tls_client_certificates: is of no use without proxy.tls_ca_file",
        ),
        (f'{ADDRESSES}tls_server_name = "a"', "[nodes] tls_server_name: is of no use without nodes.tls"),
        (
            f"{ADDRESSES}tls = true\n{KEY}",
            "[nodes] tls_key_file: is of no use without nodes.tls_certificate_file",
        ),
        (
            f'[proxy]\nlisten = "0.0.0.0:1"\ntls_listen = "127.0.0.1:1"\n{CRT}',
            "[proxy] tls_listen: clients and clients with TLS cannot share 0.0.0.0:1",
        ),
        (
            '[proxy]\nunix_mode = "999"',
            "[proxy] unix_mode: must be an octal mode as text, as \"770\", not '999'",
        ),
        (
            '[proxy]\nproxy_protocol_from = ["10.0.0.1/8"]',
            '[proxy] proxy_protocol_from: must be an address or a network, as "10.1.0.0/16", not \'10.0.',
        ),
        ("[limits]\nclients = 0", "[limits] clients: must be from 1 to 1000000, not 0"),
    ],
)
def test_what_does_not_fit_is_told_with_what_is_missing(tmp_path: Path, text: str, wrong: str) -> None:
    file = written(tmp_path, text if ADDRESSES in text else f"{ADDRESSES}{text}")
    [mistake] = mistakes({"config": file}, {})
    assert mistake.startswith(f"{file}: {wrong}")


def test_a_viewers_password_is_a_second_one_and_not_the_first() -> None:
    nodes: dict[str, str | list[str]] = {"nodes": [NODE]}
    wrong = "is the operator's"
    assert "whoever comes is one" in told(nodes, {"BATON_ADMIN_VIEWER_PASSWORD": "a"})
    same = {"BATON_ADMIN_VIEWER_PASSWORD": "a", "BATON_ADMIN_PASSWORD": "a"}
    assert f"BATON_ADMIN_VIEWER_PASSWORD: {wrong} password" == told(nodes, same)
    same = {"BATON_HTTP_VIEWER_TOKEN": "a", "BATON_HTTP_TOKEN": "a"}
    assert f"BATON_HTTP_VIEWER_TOKEN: {wrong} token" == told(nodes, same)


def test_it_is_told_which_place_each_setting_comes_from(tmp_path: Path) -> None:
    file = written(tmp_path, ADDRESSES + "[switchover]\nbudget_ms = 7\n")
    reading = read({"config": file, "listen": "a:1"}, {"BATON_NODES_PASSWORD": "pear"})
    assert reading.mistakes == []
    assert {name: each.place for name, each in reading.given.items()} == {
        "nodes": f"{file}: [nodes] addresses",
        "budget_ms": f"{file}: [switchover] budget_ms",
        "password": "BATON_NODES_PASSWORD",
        "listen": "--listen",
    }
    assert "pear" not in repr(reading)


def test_a_mistake_is_told_also_where_a_higher_place_overrides_it(tmp_path: Path) -> None:
    file = written(tmp_path, '[proxy]\nlisten = "a"')
    assert told({"config": file, "listen": "a:1", "nodes": [NODE]}, {}).startswith(f"{file}: [proxy] listen")


def test_two_free_ports_on_one_host_are_two_ports() -> None:
    settings = load({"nodes": [NODE], "listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}, {})
    assert settings.listen == settings.admin


def test_a_file_without_an_end_is_read_up_to_a_limit_and_refused() -> None:
    too_long = "/dev/zero: is longer than 1048576 bytes"
    assert told({"nodes": [NODE], "password_file": "/dev/zero"}, {}) == f"--nodes-password-file: {too_long}"
    assert told({"config": "/dev/zero"}, {}) == too_long
