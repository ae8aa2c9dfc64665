//! Runs ChatClusters on Kubernetes: servers that scale by their connections, drained before they go.

pub mod drain;
