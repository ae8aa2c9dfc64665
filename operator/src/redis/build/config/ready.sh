#!/bin/sh
# Succeeds when the cluster serves, as this node sees it, and a replica is in step: no other pod of the shard is evicted before.
client=redis-cli
if command -v valkey-cli >/dev/null 2>&1; then client=valkey-cli; fi
case "$("$client" cluster info 2>/dev/null)" in
*cluster_state:ok*) ;;
*) exit 1 ;;
esac
case "$("$client" info replication 2>/dev/null)" in
*role:master* | *master_link_status:up*) exit 0 ;;
*) exit 1 ;;
esac
