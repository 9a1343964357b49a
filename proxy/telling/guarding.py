"""The events of who comes to steer, and of the secrets by which he is known. Part of the vocabulary."""

from proxy.telling.event import Event

GUARDING = {
    "+asked": Event(
        "info",
        """Audit: somebody asked for something that acts: `command`, as `request` of this process. `face`:
        console, http or signal; `peer`, `role` and `subject` (of the certificate that was shown) say who. The
        audit's events are written at every level of the log.""",
        always=True,
    ),
    "+steered": Event(
        "info",
        "Audit: that `request` is done, after so many `ms`.",
        always=True,
    ),
    "-steered": Event(
        "warning",
        """Audit: that `request` came to nothing. `outcome`: refused, called off, busy, failed, or cut off
        when the process ended; `why` tells more.""",
        "See `why`; of a switchover, its own events tell the same.",
        always=True,
    ),
    "-denied": Event(
        "warning",
        "Audit: somebody asked for what he may not have, and nothing was done: `command`, and `why`.",
        "If you do not know who that is: somebody tries to get in.",
        always=True,
    ),
    "-console-login": Event(
        "warning",
        "`peer` gave the console a wrong password.",
        "If you do not know who that is: somebody tries to get in.",
        always=True,
    ),
    "+secret-reloaded": Event(
        "info",
        """The `file` of a secret has changed, and what is in it is in force for whoever comes from now on;
        `changed` no: it is what was in force already, after a time in which it could not be read.""",
        always=True,
    ),
    "-secret-not-reloaded": Event(
        "warning",
        "The `file` of a secret has changed, and cannot be used, see `why`. What was in force stays so.",
        "Mend the file; it is looked at again every few seconds.",
        always=True,
    ),
    "+login-accepted": Event(
        "info",
        "The new user or password for the nodes is right at `node`.",
    ),
    "-login-refused": Event(
        "warning",
        """The new user or password for the nodes is refused by `node`: connections that are there go on, new
        ones fail.""",
        "Give the node the same one (ACL SETUSER); it is tried again every few seconds.",
    ),
    "-not-secured": Event(
        "info",
        """Where TLS is spoken (`face`: console or http), `peer` did not come to a handshake, and was closed;
        `why`: it spoke something else, showed no certificate, or did not trust ours.""",
    ),
    "+certificate-reloaded": Event(
        "info",
        """The certificate whose `file` a `setting` names, its key or who may sign has changed, and is in
        force for new connections; `changed` as with secrets.""",
        always=True,
    ),
    "-certificate-not-reloaded": Event(
        "warning",
        """The certificate whose `file` a `setting` names, its key or who may sign has changed, and cannot be
        used, see `why`. What was in force stays so.""",
        "Mend the file; it is looked at again every few seconds.",
        always=True,
    ),
    "-certificate-old": Event(
        "warning",
        "A certificate has expired, or will within two weeks: `why` names its file.",
        "Replace the file; it is read again when it changes.",
    ),
    "-console-closed": Event(
        "info",
        "A connection to the console is closed: `peer` has gone, does not read, or comes beside too many.",
    ),
}
