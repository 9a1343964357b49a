"""Every call, once: of this the routes are made, and the OpenAPI document."""

from proxy.admin.http import acting, watching
from proxy.admin.http.calls import Call, Field, Schema
from proxy.admin.http.streaming import EVENT_STREAM
from proxy.settings import BUDGET_MAX_MS
from proxy.telling import LEVELS

CLIENTS_MAX = 100_000
HISTORY_MAX = 1000
MADE = ("called-off", "busy", "refused")
"""The problems of what asks the route to do something."""


def _text(longest: int = 255, **more: object) -> Schema:
    return {"type": "string", "maxLength": longest, **more}


def _whole(least: int, most: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


def _object(**properties: Schema) -> Schema:
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _list(of: str) -> Schema:
    return {"type": "array", "items": _ref(of)}


def _described(kind: str, doc: str) -> Schema:
    return {"type": kind, "description": doc}


PLAIN = "text/plain"
TEXT: Schema = {"type": "string"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}

TO = Field("to", _text(format="host:port"), "The candidate; left out, the proxy takes the best replica.")
BUDGET = Field("budget_ms", _whole(1, BUDGET_MAX_MS), "The longest hold; left out, the setting's.")
DRY_RUN = Field("dry_run", {"type": "boolean"}, "Preflight and warm only: no gate closes, no role changes.")

OF_CLIENTS = (
    Field("id", _whole(0, 2**63 - 1), "The client with this id."),
    Field("address", _text(), "Those from this address, with its port or without."),
    Field("name", _text(), "Those with this name (CLIENT SETNAME)."),
    Field("user", _text(), "Those logged in as this user."),
    Field("lane", _text(enum=["shared", "private", "none"]), "Those on such a lane."),
    Field("state", _text(), "Those of which this word tells, as multi, blocked or subscribed."),
    Field("db", _whole(0, 2**31 - 1), "Those in this database."),
    Field("limit", _whole(1, CLIENTS_MAX), f"How many at most; left out, {watching.LIMIT}."),
)

PROBES = (
    Call(
        method="GET",
        path="/livez",
        doc="Whether the process lives and its reactor has its turns. Redis is no part of it.",
        answer=watching.livez,
        open=True,
        schema=TEXT,
        media_type=PLAIN,
    ),
    Call(
        method="GET",
        path="/readyz",
        doc="Whether clients may come. There is a route, held or not, and no drain has begun.",
        answer=watching.readyz,
        open=True,
        schema=TEXT,
        media_type=PLAIN,
    ),
    Call(
        method="GET",
        path="/metrics",
        doc="Metrics, as Prometheus reads them.",
        answer=watching.metrics,
        schema=TEXT,
        media_type=PLAIN,
    ),
)

WATCHING = (
    Call(
        method="GET",
        path="/v1/status",
        doc="The route at a glance, its nodes included. A page can ask for it every second.",
        answer=watching.status,
        schema=_ref("Overview"),
    ),
    Call(
        method="GET",
        path="/v1/nodes",
        doc="The nodes, as they last said of themselves.",
        answer=watching.nodes,
        schema=_object(nodes=_list("NodeView")),
    ),
    Call(
        method="GET",
        path="/v1/clients",
        doc="The clients that match everything that is given.",
        answer=watching.clients,
        schema=_object(clients=_list("ClientView"), more=_described("boolean", "There are more that match.")),
        fields=OF_CLIENTS,
    ),
    Call(
        method="GET",
        path="/v1/history",
        doc="What became of the last switchovers, the newest first. Those refused and called off too.",
        answer=watching.history,
        schema=_object(switchovers=_list("Report")),
        fields=(Field("limit", _whole(1, HISTORY_MAX), f"How many at most; left out, {watching.LIMIT}."),),
    ),
    Call(
        method="GET",
        path="/v1/info",
        doc="The sections of INFO, as the console has them.",
        answer=watching.info,
        schema={
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": SCALAR},
        },
    ),
    Call(
        method="GET",
        path="/v1/events",
        doc="""What happens, as it happens. Server-sent events, whose data is a JSON object each, with `time`
        in unix seconds, `event` and its values. A comment comes every 15 s. Who reads too slowly is let go.
        """,
        answer=watching.events_from_now,
        schema=TEXT,
        media_type=EVENT_STREAM,
        fields=(Field("level", _text(enum=list(LEVELS)), "This and what is worse; left out, info."),),
        problems=("crowded",),
    ),
)

ACTING = (
    Call(
        method="POST",
        path="/v1/switchover",
        doc="""Switch over, and answer with the report when it is done. If the asker goes away, it is carried
        through all the same.""",
        answer=acting.switchover,
        schema=_ref("Report"),
        fields=(TO, BUDGET, DRY_RUN),
        problems=(*MADE, "crowded"),
        streams="""the events of this switchover as they happen; at last one named `report`, or `problem`,
        whose data is what would have been the answer.""",
    ),
    Call(
        method="POST",
        path="/v1/check",
        doc="The checks that precede a switchover, and what each found. Nothing is touched.",
        answer=acting.check,
        looks=True,
        schema=_object(findings=_list("Finding")),
        fields=(TO,),
        problems=MADE,
    ),
    Call(
        method="POST",
        path="/v1/hold",
        doc="Close the gate by hand, for maintenance that the proxy knows nothing of. It opens by itself.",
        answer=acting.hold,
        schema=_object(hold_ms=_described("integer", "How long it will be closed at most.")),
        fields=(
            Field("hold_ms", _whole(1, BUDGET_MAX_MS), "How long at most; left out, the setting's budget."),
        ),
        problems=MADE,
    ),
    Call(
        method="POST",
        path="/v1/release",
        doc="Open the gate that was closed by hand.",
        answer=acting.release,
        schema=_object(held_ms=_described("number", "How long it was closed.")),
        problems=("refused",),
    ),
    Call(
        method="POST",
        path="/v1/cancel",
        doc="Call off the switchover under way, if it has not promoted yet.",
        answer=acting.cancel,
        schema=_object(step=_described("string", "In which step it was.")),
        problems=("refused",),
    ),
)

CALLS = (*PROBES, *WATCHING, *ACTING)
