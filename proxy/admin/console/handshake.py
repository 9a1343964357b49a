"""What redis-cli and client libraries say before they ask anything, answered as far as they need it."""

from proxy.admin.console.command import Courtesy
from proxy.admin.console.encoding import Error, Line, Reply
from proxy.admin.console.syntax import Usage, shown
from proxy.admin.console.visitor import USER, Visitor
from proxy.admin.roles import Role
from proxy.release import VERSION
from proxy.telling import tell

# Redis's own texts (acl.c, server.c), by which client libraries know what is wrong.
OK = Line("OK")
NO_PASSWORD = (
    "AUTH <password> called without any password configured for the default user."
    " Are you sure your configuration is correct?"
)
WRONG_PASSWORD = Error("WRONGPASS invalid username-password pair or user is disabled.")
NOT_LET_IN = Error("NOAUTH Authentication required.")
HELLO_FIRST = Error(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH"
    " <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the"
    " same time"
)


def hello(visitor: Visitor, words: list[str]) -> Reply:
    """HELLO [2|3 [AUTH user password] [SETNAME name]]. On an error nothing has changed, as in Redis."""
    protocol, name = visitor.protocol, visitor.name
    proved: Role | None = None
    if words:
        if words[0] not in ("2", "3"):
            return Error("NOPROTO unsupported protocol version")
        protocol = int(words[0])
    rest = words[1:]
    while rest:
        match [rest[0].upper(), *rest[1:]]:
            case ["SETNAME", name, *rest]:
                pass
            case ["AUTH", user, password, *rest]:
                proved = visitor.known_as(user, password)
                if proved is None:
                    return _turned_away(visitor)
            case _:
                raise Usage(f"Syntax error in HELLO option '{shown(rest[0])}'")
    if not (proved or visitor.let_in):
        return HELLO_FIRST
    visitor.protocol, visitor.name = protocol, name
    if proved is not None:
        _log_in(visitor, proved)
    return {
        "server": "baton",
        "version": VERSION,
        "proto": protocol,
        "id": visitor.id,
        "mode": "standalone",
        "role": "master",
        "modules": [],
    }


def auth(visitor: Visitor, words: list[str]) -> Reply:
    match words:
        case [_] if visitor.operator.admin_password is None:
            raise Usage(NO_PASSWORD)
        case [password]:
            user = USER
        case [user, password]:
            pass
        case []:
            raise Usage("wrong number of arguments for 'auth' command")
        case _:
            raise Usage("syntax error")
    role = visitor.known_as(user, password)
    if role is None:
        return _turned_away(visitor)
    _log_in(visitor, role)
    return OK


def _log_in(visitor: Visitor, role: Role) -> None:
    """Who gave any password while there was none has not proven anything that will count once there is."""
    proven = visitor.operator.admin_password is not None or role is not Role.OPERATOR
    visitor.logged_in = role if proven else None


def _turned_away(visitor: Visitor) -> Reply:
    """What it said is told to nobody."""
    tell("-console-login", peer=visitor.peer, subject=visitor.subject or None)
    visitor.brake.failed(visitor.host)
    return WRONG_PASSWORD


def client(visitor: Visitor, words: list[str]) -> Reply:
    match [words[0].upper(), *words[1:]] if words else []:
        case ["SETNAME", name]:
            visitor.name = name
            return OK
        case ["GETNAME"]:
            return visitor.name or None
        case ["SETINFO", _, _]:
            return OK
        case ["ID"]:
            return visitor.id
        case ["INFO"]:
            return (
                f"id={visitor.id} addr={visitor.peer} name={visitor.name} user={visitor.user}"
                f" resp={visitor.protocol}"
            )
    raise Usage(
        "of CLIENT the console knows SETNAME, GETNAME, SETINFO, ID, INFO; CLIENTS lists the proxy's clients"
    )


def select(visitor: Visitor, words: list[str]) -> Reply:
    if words != ["0"]:
        raise Usage("DB index is out of range")
    return OK


def reset(visitor: Visitor, words: list[str]) -> Reply:
    """As in Redis it is then as one that has just connected: not subscribed, not logged in."""
    visitor.protocol, visitor.name, visitor.logged_in = 2, "", None
    visitor.feed.end()
    return Line("RESET")


def leave(visitor: Visitor, words: list[str]) -> Reply:
    visitor.leaving = True
    return OK


COURTESIES = {
    "HELLO": Courtesy(
        meaning="Choose RESP 2 or 3, log in, and take a name.",
        described=[("HELLO [protover] [AUTH credentials] [SETNAME name]", "Tells what this is.")],
        answer=hello,
        before_login=True,
    ),
    "AUTH": Courtesy(
        meaning="Log in, where the console has a password.",
        described=[
            ("AUTH [username] password", "The operator is the user default; viewer may look, not touch."),
        ],
        answer=auth,
        before_login=True,
    ),
    "CLIENT": Courtesy(
        meaning="This connection to the console itself; the proxy's clients are in CLIENTS.",
        described=[
            ("CLIENT SETNAME name", "Take a name."),
            ("CLIENT GETNAME", "The name."),
            ("CLIENT SETINFO name value", "Accepted, and not kept."),
            ("CLIENT ID", "The number of this connection."),
            ("CLIENT INFO", "This connection in a line."),
        ],
        answer=client,
    ),
    "SELECT": Courtesy(
        meaning="There is no database but 0.",
        described=[("SELECT db", "OK if it is 0.")],
        answer=select,
    ),
    "RESET": Courtesy(
        meaning="Be as one that has just connected: RESP2, not subscribed, not logged in.",
        described=[("RESET", "Answers RESET.")],
        answer=reset,
        before_login=True,
        while_subscribed=True,
    ),
    "QUIT": Courtesy(
        meaning="Leave.",
        described=[("QUIT", "Answers OK and closes the connection.")],
        answer=leave,
        before_login=True,
        while_subscribed=True,
    ),
}
