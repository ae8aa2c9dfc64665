#!/bin/sh
# Before a master ends, a replica takes its place, in agreement with it: nobody waits for an election.
client=redis-cli
if command -v valkey-cli >/dev/null 2>&1; then client=valkey-cli; fi
"$client" info replication 2>/dev/null | while IFS=:, read -r name ip port state _; do
    case "$name $state" in
    slave[0-9]*" state=online")
        "$client" -h "${ip#ip=}" -p "${port#port=}" cluster failover
        break
        ;;
    esac
done
tries=0
while [ "$tries" -lt 10 ]; do
    case "$("$client" info replication 2>/dev/null)" in
    *connected_slaves:0* | *role:slave*) break ;;
    *role:master*) ;;
    *) break ;;
    esac
    tries=$((tries + 1))
    sleep 1
done
exit 0
