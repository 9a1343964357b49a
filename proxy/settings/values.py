"""The values of all settings, with their defaults."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from attrs import field, frozen

from proxy.nodes.address import Address

BUDGET_MAX_MS = 600_000
"""The longest hold that anybody may ask for."""

PASSWORDS = {
    "password": "password_file",
    "admin_password": "admin_password_file",
    "admin_viewer_password": "admin_viewer_password_file",
    "http_token": "http_token_file",
    "http_viewer_token": "http_viewer_token_file",
}
"""By the field of each secret, the setting of the file that it may be in."""


@frozen(kw_only=True)
class Settings:
    """Everything that can be set, with its default. What each means stands in `SETTINGS`."""

    listen: Address | None = field(default=Address("127.0.0.1", 7000))
    tls_listen: Address | None = None
    tls_certificate_file: Path | None = None
    tls_key_file: Path | None = None
    tls_ca_file: Path | None = None
    tls_client_certificates: str = "required"
    unix_listen: Path | None = None
    unix_mode: int = 0o700
    proxy_protocol_from: tuple[IPv4Network | IPv6Network, ...] = ()
    drain_ms: int = 10_000
    admin: Address = field(default=Address("127.0.0.1", 7379))
    admin_password_file: Path | None = None
    admin_password: str | None = field(default=None, repr=False)
    admin_viewer_password_file: Path | None = None
    admin_viewer_password: str | None = field(default=None, repr=False)
    admin_tls_certificate_file: Path | None = None
    admin_tls_key_file: Path | None = None
    admin_tls_ca_file: Path | None = None
    http: Address | None = None
    http_token_file: Path | None = None
    http_token: str | None = field(default=None, repr=False)
    http_viewer_token_file: Path | None = None
    http_viewer_token: str | None = field(default=None, repr=False)
    http_tls_certificate_file: Path | None = None
    http_tls_key_file: Path | None = None
    http_tls_ca_file: Path | None = None
    log_level: str = "info"
    log_format: str = "auto"
    nodes: tuple[Address, ...] = ()
    user: str | None = None
    password_file: Path | None = None
    password: str | None = field(default=None, repr=False)
    nodes_tls: bool = False
    nodes_tls_ca_file: Path | None = None
    nodes_tls_server_name: str | None = None
    nodes_tls_certificate_file: Path | None = None
    nodes_tls_key_file: Path | None = None
    announce: Mapping[Address, Address] = field(factory=dict)
    lanes: str = "shared"
    lanes_per_identity: int = 1
    budget_ms: int = 1000
    fence_ms: int = 30_000
    allow_sentinel: bool = False
    maint_notifications: bool = True
    max_lag_bytes: int = 16 * 1024 * 1024
    clients: int = 10_000
    clients_per_address: int = 0
    connections_per_second: int = 10_000
    handshake_ms: int = 5_000
    idle_s: int = 0
    command_bytes: int = 1024 * 1024 * 1024
    command_arguments: int = 2**31 - 1
    waiting_bytes: int = 1024 * 1024
    waiting_commands: int = 16_384
    client_output_bytes: int = 64 * 1024 * 1024
    clients_bytes: int = 1024 * 1024 * 1024
    process_bytes: int = 0
    transaction_bytes: int = 16 * 1024 * 1024
    scripts_count: int = 1000
    scripts_bytes: int = 64 * 1024 * 1024
    no_primary_wait_ms: int = 10_000
    connect_timeout_ms: int = 1000
