"""A command of the console: what it is for, its forms, and who answers each of them."""

from collections.abc import Awaitable, Callable, Sequence

from attrs import Factory, field, frozen

from proxy.admin.console.encoding import Reply
from proxy.admin.console.syntax import Given, Syntax, Usage, shown
from proxy.admin.console.visitor import Visitor

Handler = Callable[[Visitor, Given], Awaitable[Reply]]
Answer = Callable[[Visitor, list[str]], Reply]


@frozen
class Form:
    """One way to say it."""

    text: str
    meaning: str
    run: Handler
    acts: bool = field(default=False, kw_only=True)
    """It changes something: it is told who asked for it, and it is carried through even if whoever asked has
    gone."""
    asks_bare: bool = field(default=False, kw_only=True)
    """With nothing behind it, it only asks."""
    syntax: Syntax = field(
        init=False, repr=False, default=Factory(lambda form: Syntax.of(form.text), takes_self=True)
    )

    def does_act(self, given: Given) -> bool:
        return self.acts and bool(given.values or not self.asks_bare)

    def hidden(self, given: Given) -> tuple[str, ...]:
        """What may be a secret, and is not told even where an error quotes it."""
        return tuple(
            str(given.text(each.key))
            for each in self.syntax.arguments
            if each.name == "value" and each.key in given
        )

    @property
    def name(self) -> str:
        """As Redis names a command or a subcommand: ``config|set``."""
        return "|".join(self.syntax.verb).lower()

    def told(self, given: Given) -> str:
        """How the log tells it. The value of a setting is left out: somebody may try to set a password."""
        words = [*self.syntax.verb]
        for argument in self.syntax.arguments:
            if argument.key in given:
                value = "…" if argument.name == "value" else given.text(argument.key) or ""
                words += [argument.token, value] if argument.token and argument.name else [value]
        return " ".join(words)


@frozen(kw_only=True)
class Command:
    """One thing that can be asked. `more` and `example` are for its help and its page."""

    group: str
    meaning: str
    forms: Sequence[Form]
    more: Sequence[str] = ()
    example: str = ""
    while_subscribed: bool = False
    """A subscriber in RESP2 may ask it, too."""

    @property
    def described(self) -> list[tuple[str, str]]:
        """Its forms as text, each with its meaning."""
        return [(form.text, form.meaning) for form in self.forms]

    def choose(self, name: str, words: Sequence[str]) -> tuple[Form, Given]:
        """The form that is meant, and what was given to it. Raises Usage."""
        plain = None
        for form in self.forms:
            verb = [word.upper() for word in form.syntax.verb[1:]]
            if not verb:
                plain = form
            elif [word.upper() for word in words[: len(verb)]] == verb:
                return form, form.syntax.read(words[len(verb) :])
        if plain is not None:
            return plain, plain.syntax.read(words)
        wrong = f"'{shown(words[0])}' is not understood" if words else "something is missing"
        raise Usage(f"{name}: {wrong}; it is {' | '.join(text for text, _ in self.described)}")


@frozen(kw_only=True)
class Courtesy:
    """What redis-cli and client libraries say before they ask; the words are taken as they are."""

    meaning: str
    described: Sequence[tuple[str, str]]
    answer: Answer
    before_login: bool = False
    """Who has not given the password yet may say it."""
    while_subscribed: bool = False
    group: str = "connection"
