//! A thin layer over a Redis Cluster: topology, group commit, reads, sharded subscriptions. It knows nothing of rooms.
