//! Real parts as child processes, for tests, benchmarks and a look: Redis Clusters, balancers, servers, hosts in network namespaces.
