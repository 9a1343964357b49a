#!/bin/sh
# The preStop hook of a Redis pod: if it is the primary, Baton switches over before it goes.
#
# A replica goes at once. The primary asks Baton's console for a SWITCHOVER, again and again until it is no more the
# primary: a replica that has just come back may not be fit yet. When $LIMIT_SECONDS are over it goes all the
# same, with status 1, which Kubernetes notes as the event FailedPreStopHook; its clients then are closed.
# Before each try its role is asked again, so that the primary is never moved back by who has handed it on.
set -u
: "${SELF:?HOST:PORT of this pod}" "${CONSOLE:?HOST:PORT of the console of Baton}" "${SECRETS:=/run/secrets/redis}"
: "${LIMIT_SECONDS:=50}" "${LOG:=/proc/1/fd/1}" # the pod's log; a hook's own output goes nowhere

say() {
    { printf 'leave.sh: %s\n' "$*" | tr '\n' ' ' >>"$LOG" && echo >>"$LOG"; } 2>/dev/null || echo "leave.sh: $*" >&2
}

primary() { # what does not answer may be in a fork, or hang: then Baton tells whether it serves this one
    REDISCLI_AUTH=$(cat "$SECRETS/password")
    export REDISCLI_AUTH
    case $(timeout 2 redis-cli --no-auth-warning -p "${SELF##*:}" ROLE 2>/dev/null | head -n 1) in
    slave) return 1 ;;
    master) return 0 ;;
    esac
    case $(served) in "$SELF" | '') ;; *) return 1 ;; esac
}

served() { # whom Baton serves; nothing where it has no primary, or does not answer
    REDISCLI_AUTH=$(cat "$SECRETS/admin-password")
    export REDISCLI_AUTH
    timeout 2 redis-cli --no-auth-warning -h "${CONSOLE%:*}" -p "${CONSOLE##*:}" INFO route 2>/dev/null |
        tr -d '\r' | sed -n 's/^primary:\(.*:[0-9][0-9]*\)$/\1/p'
}

switch_over() {
    REDISCLI_AUTH=$(cat "$SECRETS/admin-password")
    export REDISCLI_AUTH
    timeout "$1" redis-cli -3 -e --no-auth-warning -h "${CONSOLE%:*}" -p "${CONSOLE##*:}" SWITCHOVER 2>&1
}

end=$(($(date +%s) + LIMIT_SECONDS))
while primary; do
    left=$((end - $(date +%s)))
    if [ "$left" -le 0 ]; then
        say "still the primary after $LIMIT_SECONDS s; it goes all the same"
        exit 1
    fi
    if said=$(switch_over "$left"); then
        say "handed over: $said"
    else
        say "not handed over yet: $said"
    fi
    sleep 1
done
say "not the primary; it goes"
