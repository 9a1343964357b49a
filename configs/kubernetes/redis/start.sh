#!/bin/sh
# Starts a pod's redis-server in the role that it should have.
#
# 1. Roles are kept in the volume: Baton ends a switchover with CONFIG REWRITE on both nodes, so `replicaof` in
#    $DATA/redis.conf tells whom this one followed. All else in that file is made anew from $CONF.
# 2. Who was the primary starts as the primary. It is not asked whether another took over meanwhile: if so, two
#    call themselves primary, Baton's NODES says it, and a person decides. Nothing is thrown away on a guess.
# 3. Who was a replica has nothing that it alone has: it follows whom Baton serves, or else the one sibling that
#    is primary, or else whom it followed.
# 4. An empty volume never becomes the primary beside siblings that have data: it would empty them too. It waits
#    for a primary to follow. Only the first of $PEERS makes itself the primary, when for $ALONE_SECONDS no
#    sibling has answered: so a new set begins.
set -eu
: "${SELF:?HOST:PORT of this pod}" "${PEERS:?HOST:PORT of all pods}" "${CONSOLE:?HOST:PORT of the console of Baton}"
: "${DATA:=/data}" "${CONF:=/etc/redis/redis.conf}" "${SECRETS:=/run/secrets/redis}"
: "${ALONE_SECONDS:=10}" "${LIMIT_SECONDS:=300}"

ask() { # SECRET HOST:PORT COMMAND…: the answer; nothing where there is none
    REDISCLI_AUTH=$(cat "$SECRETS/$1")
    export REDISCLI_AUTH
    at=$2
    shift 2
    timeout 2 redis-cli --no-auth-warning -h "${at%:*}" -p "${at##*:}" "$@" 2>/dev/null || :
}

served() { # whom Baton serves; nothing where it has no primary, or does not answer
    ask admin-password "$CONSOLE" INFO route | tr -d '\r' | sed -n 's/^primary:\(.*:[0-9][0-9]*\)$/\1/p'
}

survey() { # sets $primaries, the siblings that are primary, and $answered, those that say anything
    primaries='' answered=''
    for peer in $PEERS; do
        [ "$peer" != "$SELF" ] || continue
        case $(ask password "$peer" ROLE | head -n 1) in
        master) primaries="$primaries $peer" answered="$answered $peer" ;;
        ?*) answered="$answered $peer" ;; # a replica, or an error: it loads its data, say
        esac
    done
}

leader() { # sets $leads: whom to follow, as far as that can be told
    leads=$(served)
    survey
    if [ -z "$leads" ]; then
        # shellcheck disable=SC2086 # words
        set -- $primaries
        [ $# != 1 ] || leads=$1
    fi
}

say() { echo "start.sh: $*" >&2; }

kept=$DATA/redis.conf
follow=''
if [ -e "$kept" ]; then
    followed=$(sed -n 's/^replicaof \([^ ]*\) \([0-9]*\).*/\1:\2/p' "$kept" | tail -n 1)
    if [ -z "$followed" ]; then
        say "this was the primary, and goes on as such"
    else
        leader
        follow=${leads:-$followed}
        if [ "$follow" = "$SELF" ]; then # promoted, and ended before that was kept
            follow=''
            say "Baton serves this one: it goes on as the primary"
        else
            say "this was a replica of $followed, and follows $follow"
        fi
    fi
else
    waited=0
    while :; do
        leader
        if [ -n "$leads" ] && [ "$leads" != "$SELF" ]; then
            follow=$leads
            say "an empty volume: it follows $follow"
            break
        fi
        if [ "${PEERS%% *}" = "$SELF" ] && [ -z "$answered" ] && [ "$waited" -ge "$ALONE_SECONDS" ]; then
            say "a new set: this is its primary"
            break
        fi
        if [ "$waited" -ge "$LIMIT_SECONDS" ]; then
            say "an empty volume and no primary to follow; those who answer:${answered:- nobody}." \
                "If one of them has the data, SWITCHOVER RESOLVE on Baton's console makes it the primary"
            exit 1
        fi
        sleep 1
        waited=$((waited + 1))
    done
fi

password=$(sed 's/[\\"]/\\&/g' "$SECRETS/password")
umask 077
{
    cat "$CONF"
    echo "dir $DATA"
    echo "replica-announce-ip ${SELF%:*}"
    printf '%s "%s"\n' requirepass "$password" masterauth "$password" # echo may take \ for something else
    [ -z "$follow" ] || echo "replicaof ${follow%:*} ${follow##*:}"
} >"$kept.new"
mv "$kept.new" "$kept"
exec redis-server "$kept"
