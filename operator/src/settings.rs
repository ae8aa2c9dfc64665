//! What the operator is told: by flags or `CHAT_OPERATOR_*` variables.

use clap::Parser;
use std::net::SocketAddr;

/// Runs ChatClusters: makes their servers, scales them by their connections, and empties them before they go.
#[derive(Clone, Debug, Parser)]
#[command(name = "chat-operator", version, about)]
pub struct Settings {
    /// The namespace whose ChatClusters are run; without it, those of all namespaces
    #[arg(long, env = "CHAT_OPERATOR_NAMESPACE")]
    pub namespace: Option<String>,
    /// The image of servers whose ChatCluster names none
    #[arg(long, env = "CHAT_OPERATOR_SERVER_IMAGE")]
    pub server_image: Option<String>,
    /// Where /metrics, /livez and /readyz are served
    #[arg(long, env = "CHAT_OPERATOR_LISTEN", default_value = "0.0.0.0:9090")]
    pub listen: SocketAddr,
    /// Where custom.metrics.k8s.io is served over TLS, by which ChatClusters are scaled; without it, it is not
    #[arg(long, env = "CHAT_OPERATOR_METRICS_API_LISTEN", requires = "metrics_api_service")]
    pub metrics_api_listen: Option<SocketAddr>,
    /// The Service, in the operator's own namespace, by which the API server finds it; the Secret with its certificates is called so, too
    #[arg(long, env = "CHAT_OPERATOR_METRICS_API_SERVICE")]
    pub metrics_api_service: Option<String>,
    /// The Lease by which one of several operators leads, in the operator's own namespace; `off` for a single operator
    #[arg(long, env = "CHAT_OPERATOR_LEASE", default_value = "chat-operator")]
    pub lease: String,
    /// The operator's own name among several; its pod's name
    #[arg(long, env = "HOSTNAME", default_value = "chat-operator")]
    pub identity: String,
    /// The operator's own namespace, for its Lease
    #[arg(long, env = "POD_NAMESPACE", default_value = "default")]
    pub own_namespace: String,
    /// What is logged: a level (error, warn, info, debug, trace), or directives such as info,chat_operator=debug
    #[arg(long, env = "CHAT_OPERATOR_LOG", default_value = "info")]
    pub log: String,
    /// How log lines look
    #[arg(long, env = "CHAT_OPERATOR_LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
