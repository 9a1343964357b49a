"""Settings while the proxy runs: what they are, changing one, reading all of them again.

Rules:

1. A change is in force when it is answered, and the next one that looks sees it: no face keeps a copy.
2. What does not fit together is refused as at the start, and then nothing has changed.
3. Reading again takes over what may change while running, and secrets, of which the file may be another one
   by now: connections that are made from then on use them. It tells what wants a restart. A change that was
   made by hand gives way to what file, environment and flags say.
4. Nodes are not taken in or forgotten because a file says so: who comes must be asked first whom it follows,
   and a slip in a file must not take away the node that the next switchover needs. What differs is told, with
   the command that does it.
"""

import difflib
import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, evolve, field, fields

from proxy.config import Given, Reading, SettingsError, check_together
from proxy.nodes.address import Address
from proxy.nodes.link import Login
from proxy.operation.aside import Aside, Unanswered
from proxy.operation.ground import Ground
from proxy.relay.allowance import Allowance
from proxy.settings import PASSWORDS, SETTINGS, Settings
from proxy.telling import level, set_level, tell

FIELDS = {f"{setting.table}.{setting.key}": name for name, setting in SETTINGS.items() if setting.key}
"""By the names that an operator uses, the fields of `Settings`. Secrets have none."""
NAMES = {name: dotted for dotted, name in FIELDS.items()}
TAKEN_OVER = {*PASSWORDS.values(), "user"}
"""What reading again takes over, though nothing else can change it: it belongs to a secret."""


def _mistakes(settings: Settings) -> set[str]:
    """What does not fit together."""
    given = {name: Given(NAMES.get(name, name), getattr(settings, name)) for name in SETTINGS}
    check_together(reading := Reading(None, given))
    return {mistake.text for mistake in reading.mistakes}


def allowance(settings: Settings) -> Allowance:
    """What of them is kept in the data path."""
    return Allowance(**{limit.name: getattr(settings, limit.name) for limit in fields(Allowance)})


@define(eq=False)
class Tuning:
    """Of one process."""

    ground: Ground
    load_again: Callable[[], Settings] | None = None
    """Reads file, environment and flags as at the start. Raises SettingsError."""
    aside: Aside = field(factory=Aside)

    def settings(self, pattern: str) -> Mapping[str, str]:
        """Those whose names match a glob."""
        settings = self.ground.settings
        return {
            dotted: SETTINGS[name].text(getattr(settings, name))
            for dotted, name in FIELDS.items()
            if fnmatch.fnmatchcase(dotted, pattern.lower())
        }

    def change(self, dotted: str, text: str) -> None:
        """ValueError, whose text says what would be right."""
        name = FIELDS.get(dotted.lower())
        if name is None:
            close = difflib.get_close_matches(dotted.lower(), FIELDS, 1)
            meant = f"did you mean {close[0]}?" if close else "CONFIG GET * tells all"
            raise ValueError(f"{dotted[:64]}: unknown setting; {meant}")
        setting = SETTINGS[name]
        if not setting.live:
            raise ValueError(
                f"{NAMES[name]}: cannot change while the proxy runs; {setting.in_file}, and a restart"
            )
        try:
            value = setting.kind.check(setting.kind.from_text(text))
        except ValueError as error:
            raise ValueError(f"{NAMES[name]}: {error}") from None
        settings = evolve(self.ground.settings, **{name: value})
        if wrong := _mistakes(settings) - _mistakes(self.ground.settings):
            raise ValueError(f"{NAMES[name]}: {min(wrong)}")
        self._put_in_force(settings)
        tell("+setting", name=NAMES[name], value=setting.text(value))

    async def reload(self) -> Sequence[str]:
        """See :class:`proxy.admin.operator.Operator`. Raises SettingsError."""
        if self.load_again is None:
            raise SettingsError("reload: there is nothing to read again")
        try:
            read = await self.aside.read(self.load_again)
        except Unanswered as fault:
            raise SettingsError(f"reload: {fault}") from None
        before = self.ground.settings
        changes: dict[str, Any] = {}
        lines = []
        for name, setting in SETTINGS.items():
            old, new = getattr(before, name), getattr(read, name)
            if old == new or name == "nodes":
                continue
            if name in PASSWORDS:
                changes[name] = new
                lines.append(f"{NAMES[PASSWORDS[name]]}: the secret has changed")
            elif setting.live or name in TAKEN_OVER:
                changes[name] = new
                lines.append(f"{NAMES[name]}: {setting.text(new)}, was {setting.text(old)}")
            else:
                lines.append(
                    f"{NAMES[name]}: {setting.text(new)} wants a restart; {setting.text(old)} is in force"
                )
        settings = evolve(before, **changes)
        if wrong := _mistakes(settings) - _mistakes(before):  # with what only a restart would change
            raise SettingsError(f"reload: {min(wrong)}")
        self._put_in_force(settings)
        lines += self._nodes(read.nodes)
        tell("+reloaded", changes=lines)
        return lines

    def take_secret(self, name: str, secret: str) -> bool:
        """Put it in force; tells whether it is another one. Raises SettingsError where it does not fit the
        others."""
        before = self.ground.settings
        if getattr(before, name) == secret:
            return False
        changes: dict[str, Any] = {name: secret}
        settings = evolve(before, **changes)
        if wrong := _mistakes(settings) - _mistakes(before):
            raise SettingsError(min(wrong))
        self._put_in_force(settings)
        return True

    def _nodes(self, wanted: Sequence[Address]) -> list[str]:
        known = [node.address for node in self.ground.route.nodes]
        return [
            *(
                f"nodes.addresses: {new} is not among the nodes; NODES ADD {new}"
                for new in wanted
                if new not in known
            ),
            *(
                f"nodes.addresses: {old} is not there any more; NODES REMOVE {old}"
                for old in known
                if old not in wanted
            ),
        ]

    def _put_in_force(self, settings: Settings) -> None:
        """Most are looked up in ``ground.settings`` when they are needed; the others are kept elsewhere."""
        ground, route = self.ground, self.ground.route
        ground.settings = settings
        route.client_output_bytes = settings.client_output_bytes
        route.allow(allowance(settings))
        route.connect_timeout = settings.connect_timeout_ms / 1000
        route.common.maintenance = settings.maint_notifications
        ground.keeper.no_primary_wait = settings.no_primary_wait_ms / 1000
        for node in route.nodes:
            node.connect_within = route.connect_timeout
            node.login = Login(settings.user, settings.password)
        if settings.log_level != level():
            set_level(settings.log_level)
