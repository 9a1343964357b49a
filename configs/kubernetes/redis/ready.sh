#!/bin/sh
# Ready is the primary, and a replica whose link is up, which then has the data.
: "${SELF:?}" "${SECRETS:=/run/secrets/redis}"
REDISCLI_AUTH=$(cat "$SECRETS/password")
export REDISCLI_AUTH
said=$(timeout 2 redis-cli --no-auth-warning -p "${SELF##*:}" ROLE) || exit 1
case $(echo "$said" | sed -n 1p),$(echo "$said" | sed -n 4p) in
master,* | slave,connected) ;;
*) echo "$said" && exit 1 ;;
esac
