#!/bin/sh
# Succeeds when the node answers at all: one that loads its data is alive.
client=redis-cli
if command -v valkey-cli >/dev/null 2>&1; then client=valkey-cli; fi
case "$("$client" ping 2>/dev/null)" in
PONG* | *LOADING* | *MASTERDOWN*) exit 0 ;;
*) exit 1 ;;
esac
