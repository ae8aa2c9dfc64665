//! What a request is for, by its path.

use percent_encoding::percent_decode_str;

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// The older one: other names of fields in the items.
    V1Beta1,
    /// The one that the HorizontalPodAutoscaler prefers.
    V1Beta2,
}

impl Version {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 2] = [Self::V1Beta2, Self::V1Beta1];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1Beta1 => "v1beta1",
            Self::V1Beta2 => "v1beta2",
        }
    }

    fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// The APIService that enters it at the API server.
    pub fn service(self) -> String {
        format!("{}.{}", self.name(), super::GROUP)
    }
}

/// A request, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// The versions of the group.
    Group,
    /// What a version has.
    Resources(Version),
    /// A metric.
    Metric(Wanted),
    /// Nothing that is here.
    Elsewhere,
}

/// A metric of an object in a namespace, in the words of whoever asks: whether there is such a thing is seen later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// In the form of which version.
    pub version: Version,
    /// The namespace.
    pub namespace: String,
    /// `chatclusters.chatcluster.dev`.
    pub resource: String,
    /// An object's name, or `*` for all that a selector takes.
    pub name: String,
    /// The metric's name.
    pub metric: String,
}

/// Reads a path.
pub fn path(path: &str) -> Path {
    let Some(segments) = segments(path) else { return Path::Elsewhere };
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["apis", group] if *group == super::GROUP => Path::Group,
        ["apis", group, version] if *group == super::GROUP => {
            Version::of(version).map_or(Path::Elsewhere, Path::Resources)
        }
        ["apis", group, version, "namespaces", namespace, resource, name, metric] if *group == super::GROUP => {
            Version::of(version).map_or(Path::Elsewhere, |version| {
                Path::Metric(Wanted {
                    version,
                    namespace: (*namespace).to_owned(),
                    resource: (*resource).to_owned(),
                    name: (*name).to_owned(),
                    metric: (*metric).to_owned(),
                })
            })
        }
        _ => Path::Elsewhere,
    }
}

/// The segments, each decoded: an asterisk comes as `%2A` from some clients. One that holds a slash after that is no segment.
fn segments(path: &str) -> Option<Vec<String>> {
    let trimmed = path.strip_prefix('/')?;
    let trimmed = trimmed.strip_suffix('/').unwrap_or(trimmed);
    let decode = |segment| {
        let decoded = percent_decode_str(segment).decode_utf8().ok()?;
        let plain = !decoded.is_empty() && !decoded.contains('/') && decoded != "." && decoded != "..";
        plain.then(|| decoded.into_owned())
    };
    trimmed.split('/').map(decode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(version: Version, name: &str) -> Path {
        Path::Metric(Wanted {
            version,
            namespace: "team".to_owned(),
            resource: "chatclusters.chatcluster.dev".to_owned(),
            name: name.to_owned(),
            metric: "chat_connections".to_owned(),
        })
    }

    #[test]
    fn paths_are_read() {
        let root = "/apis/custom.metrics.k8s.io";
        assert_eq!(path(root), Path::Group);
        assert_eq!(path(&format!("{root}/v1beta2")), Path::Resources(Version::V1Beta2));
        assert_eq!(path(&format!("{root}/v1beta1/")), Path::Resources(Version::V1Beta1));
        let of = |name| format!("{root}/v1beta2/namespaces/team/chatclusters.chatcluster.dev/{name}/chat_connections");
        assert_eq!(path(&of("shop")), wanted(Version::V1Beta2, "shop"));
        assert_eq!(path(&of("*")), wanted(Version::V1Beta2, "*"));
        assert_eq!(path(&of("%2A")), wanted(Version::V1Beta2, "*"));
    }

    #[test]
    fn all_else_is_elsewhere() {
        let others = [
            "",
            "/",
            "/apis",
            "/healthz",
            "/openapi/v2",
            "/apis/metrics.k8s.io/v1beta1",
            "/apis/custom.metrics.k8s.io/v1",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team/metrics/chat_connections",
            "/apis/custom.metrics.k8s.io/v1beta2/nodes/one/chat_connections",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team/pods/a/b/c",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team/chatclusters.chatcluster.dev/%2e%2e/chat_connections",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team/chatclusters.chatcluster.dev/a%2Fb/chat_connections",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team//a/chat_connections",
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/team/chatclusters.chatcluster.dev/%ff/chat_connections",
        ];
        for other in others {
            assert_eq!(path(other), Path::Elsewhere, "{other}");
        }
    }
}
