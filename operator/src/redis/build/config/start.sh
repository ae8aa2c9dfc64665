#!/bin/sh
# Starts the node under the pod's present address.
set -eu
nodes=/data/nodes.conf

# A master that died comes back when its replica has had the time to take its place: it may lack what it acknowledged last.
if [ -f "$nodes" ]; then
    self=
    while read -r id _ flags _; do
        case "$flags" in
        *myself*master*) self=$id ;;
        esac
    done <"$nodes"
    followed=
    if [ -n "$self" ]; then
        while read -r _ _ flags master _; do
            case "$flags $master" in
            *slave*" $self") followed=yes ;;
            esac
        done <"$nodes"
    fi
    if [ -n "$followed" ]; then
        trap 'exit 0' TERM
        echo "this node was a master with a replica: it waits for 3 x cluster-node-timeout"
        sleep 15 &
        wait $!
    fi
fi

server=redis-server
if command -v valkey-server >/dev/null 2>&1; then server=valkey-server; fi
# What is left is for copies that are being written, buffers of replicas, and fragments.
maxmemory=$((${MEMORY_LIMIT:-0} / 10 * 7))
exec "$server" /etc/redis/redis.conf --cluster-announce-ip "$POD_IP" --maxmemory "$maxmemory"
