"""The operator's side of a route, all of it: what each face of ``admin/`` calls."""

from collections.abc import Callable, Mapping, Sequence

from attrs import define, field

from proxy.operation.counted import Counted
from proxy.operation.counting import Counting
from proxy.operation.ground import Ground
from proxy.operation.holding import Holding
from proxy.operation.leaving import Leaving
from proxy.operation.membership import Membership
from proxy.operation.resolving import Resolving
from proxy.operation.secrets import Secrets
from proxy.operation.switching import Switching
from proxy.operation.tuning import Tuning
from proxy.operation.turning import Pulse
from proxy.operation.viewing import Viewing
from proxy.operation.views import ClientView, NodeView, Overview, Values
from proxy.relay.keeper import Keeper
from proxy.relay.route import Route
from proxy.session.ids import IDS_FROM
from proxy.settings import Settings
from proxy.switchover.preflight.case import Finding
from proxy.switchover.report import Report


@define(eq=False)
class Operation:
    """Performs :class:`proxy.admin.operator.Operator`; each part has one duty."""

    ground: Ground
    switching: Switching = field(init=False)
    resolving: Resolving = field(init=False)
    holding: Holding = field(init=False)
    membership: Membership = field(init=False)
    tuning: Tuning = field(init=False)
    secrets: Secrets = field(init=False)
    leaving: Leaving = field(init=False)
    viewing: Viewing = field(init=False)
    counting: Counting = field(init=False)
    pulse: Pulse = field(init=False)

    def __attrs_post_init__(self) -> None:
        ground = self.ground
        self.switching = Switching(ground)
        self.resolving = Resolving(ground, self.switching)
        self.holding = Holding(ground)
        self.membership = Membership(ground)
        self.tuning = Tuning(ground)
        self.secrets = Secrets(self.tuning, self.tuning.aside)
        self.leaving = Leaving(ground)
        self.viewing = Viewing(ground, self.switching)
        self.counting = Counting(ground)
        self.pulse = Pulse(ground.route.reactor)

    @classmethod
    def of(
        cls,
        route: Route,
        keeper: Keeper,
        settings: Settings,
        instance: str,
        load_again: Callable[[], Settings] | None = None,
    ) -> "Operation":
        """Of this route; `load_again` reads the settings as at the start."""
        operation = cls(Ground(route, keeper, settings, instance))
        operation.tuning.load_again = load_again
        return operation

    @property
    def ready(self) -> bool:
        return self.ground.route.primary is not None and not self.ground.leaving

    async def alive(self) -> bool:
        return await self.pulse.beats()

    @property
    def admin_password(self) -> str | None:
        return self.ground.settings.admin_password

    @property
    def admin_viewer_password(self) -> str | None:
        return self.ground.settings.admin_viewer_password

    @property
    def http_token(self) -> str | None:
        return self.ground.settings.http_token

    @property
    def http_viewer_token(self) -> str | None:
        return self.ground.settings.http_viewer_token

    def overview(self) -> Overview:
        return self.viewing.overview()

    def nodes(self) -> Sequence[NodeView]:
        return self.viewing.nodes()

    def clients(self) -> Sequence[ClientView]:
        return self.viewing.clients()

    def info(self) -> Mapping[str, Mapping[str, object]]:
        return self.viewing.info()

    async def counted(self) -> Counted:
        return await self.counting.counted(self.viewing.nodes())

    def status(self) -> Values:
        return self.viewing.status()

    def history(self) -> Sequence[Report]:
        return tuple(self.switching.history)

    async def check(self, to: str | None) -> Sequence[Finding]:
        return await self.switching.check(to)

    async def switchover(self, to: str | None, budget_ms: int | None, dry_run: bool = False) -> Report:
        return await self.switching.switchover(to, budget_ms, dry_run)

    def cancel(self) -> str:
        return self.switching.cancel()

    async def resolve(self, address: str) -> str:
        return await self.resolving.resolve(address)

    async def hold(self, hold_ms: int | None) -> int:
        return await self.holding.hold(hold_ms)

    def release(self) -> float:
        return self.holding.release()

    def kill_client(self, number: int) -> bool:
        """By its number here, or by what it is told as its CLIENT ID."""
        directory = self.ground.route.directory
        return directory.close(number) or directory.close(number - IDS_FROM)

    async def add_node(self, address: str) -> NodeView:
        return self.viewing.node(await self.membership.add(address))

    async def remove_node(self, address: str) -> None:
        await self.membership.remove(address)

    def settings(self, pattern: str) -> Mapping[str, str]:
        return self.tuning.settings(pattern)

    def change_setting(self, name: str, value: str) -> None:
        self.tuning.change(name, value)

    async def reload_settings(self) -> Sequence[str]:
        lines = await self.tuning.reload()
        return [*lines, *await self.secrets.renew_certificates()]

    def drain(self) -> None:
        self.leaving.drain()
