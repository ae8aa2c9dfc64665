//! ChatClusters beside each other. Several can share a Redis Cluster, each under a prefix of its own; two under one prefix would be one data set with
//! two fleets of servers that do not know each other, so the younger of the two is refused.

use super::validate::{Invalid, prefix};
use chat_api::ChatCluster;
use kube::ResourceExt;

/// Refuses a ChatCluster that names a seed of an older one and its prefix. That two seeds of different names are of one Redis Cluster is not seen here.
pub fn neighbour<'a>(cluster: &ChatCluster, others: impl IntoIterator<Item = &'a ChatCluster>) -> Result<(), Invalid> {
    let older = others.into_iter().find(|other| is_older(other, cluster) && have_one_place(other, cluster));
    match older {
        None => Ok(()),
        Some(older) => Err(Invalid::Prefix {
            prefix: prefix(cluster),
            namespace: older.namespace().unwrap_or_default(),
            name: older.name_any(),
        }),
    }
}

fn is_older(other: &ChatCluster, cluster: &ChatCluster) -> bool {
    let age = |cluster: &ChatCluster| (cluster.creation_timestamp().map(|time| time.0), cluster.uid());
    other.uid() != cluster.uid() && age(other) < age(cluster)
}

fn have_one_place(one: &ChatCluster, other: &ChatCluster) -> bool {
    let (Some(own), Some(its)) = (&one.spec.redis.existing, &other.spec.redis.existing) else { return false };
    let domain = |cluster: &ChatCluster, seed: &str| {
        let (host, port) = seed.rsplit_once(':').unwrap_or((seed, ""));
        // A short name is one of the ChatCluster's own namespace.
        let host = if host.contains(['.', ':']) {
            host.trim_end_matches('.').trim_end_matches(".cluster.local").trim_end_matches(".svc").to_owned()
        } else {
            format!("{host}.{}", cluster.namespace().unwrap_or_default())
        };
        format!("{host}:{port}")
    };
    let seeds: Vec<_> = its.seeds.iter().map(|seed| domain(other, seed)).collect();
    prefix(one) == prefix(other) && own.seeds.iter().any(|seed| seeds.contains(&domain(one, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(namespace: &str, name: &str, seconds: i64, redis: &str) -> ChatCluster {
        let made = jiff::Timestamp::from_second(seconds).expect("a time");
        let text = format!(
            "{{apiVersion: chatcluster.dev/v1alpha1, kind: ChatCluster, metadata: {{name: {name}, namespace: {namespace}, \
             uid: {namespace}-{name}, creationTimestamp: '{made}'}}, spec: {{redis: {redis}}}}}"
        );
        serde_yaml::from_str(&text).expect("a ChatCluster")
    }

    #[test]
    fn the_younger_of_two_under_one_prefix_is_refused() {
        let older = cluster("a", "chat", 1, "{prefix: p, existing: {seeds: ['redis:6379']}}");
        let both = |namespace: &str, redis: &str| {
            let younger = cluster(namespace, "talk", 2, redis);
            let all = [older.clone(), younger.clone()];
            assert!(neighbour(&older, &all).is_ok(), "the older one stays");
            neighbour(&younger, &all).map_err(|error| error.to_string())
        };
        let refused = both("a", "{prefix: p, existing: {seeds: ['other:1', 'redis:6379']}}").expect_err("a refusal");
        assert!(refused.starts_with("spec.redis.prefix: ChatCluster a/chat uses p"), "{refused}");
        assert!(both("b", "{prefix: p, existing: {seeds: ['redis.a.svc.cluster.local:6379']}}").is_err());
        assert!(both("b", "{prefix: p, existing: {seeds: ['redis:6379']}}").is_ok(), "that is another service");
        assert!(both("a", "{prefix: q, existing: {seeds: ['redis:6379']}}").is_ok());
        assert!(
            both("a", "{existing: {seeds: ['redis:6379']}}").is_ok(),
            "a prefix of its own is what it has by itself"
        );
        assert!(both("a", "{prefix: p, managed: {}}").is_ok(), "that is a Redis of its own");
    }
}
