"""What a client, and all of them together, may take of the proxy. An operator sets it, and it is in force at
once; what each means stands with the settings of the same names."""

from attrs import frozen

from proxy.wire.requests import ARGUMENTS_MAX

MIB = 1024 * 1024


@frozen(kw_only=True)
class Allowance:
    """The limits that are kept in the data path, or by a sweep over its clients."""

    command_bytes: int = 1024 * MIB
    command_arguments: int = ARGUMENTS_MAX
    waiting_bytes: int = MIB
    waiting_commands: int = 16_384
    clients_bytes: int = 1024 * MIB
    process_bytes: int = 0
    idle_s: int = 0


LET_GO = ("client_output_bytes", "command_bytes", "clients_bytes", "process_bytes", "idle_s")
"""The limits at which a client is closed that was let in."""
