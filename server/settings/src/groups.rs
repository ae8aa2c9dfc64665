//! The settings, but for the limits: see `limits.rs`.

use crate::key::group;
use crate::kind::{
    Address, Auto, Bytes, Count, File, Hidden, LogFormat, Networks, Off, Pages, Seeds, Switch, Text, Time, Unreplicated,
};

group! {
    /// Where the server is to be found.
    pub struct Network: "Network" {
        /// Where clients connect: Socket.IO, the page and the HTTP API.
        listen: Address = "0.0.0.0:3000";
        /// Where other servers and the operator connect. Never to be reached from outside the cluster.
        internal_listen: Address = "0.0.0.0:3001";
        /// Where Prometheus and the probes connect: /metrics, /livez, /readyz.
        metrics_listen: Address = "0.0.0.0:9090";
        /// Where other servers reach the internal port of this one, host:port. auto takes the address that internal-listen names, or else the one by
        /// which this machine reaches Redis.
        internal_advertise: Auto<Text> = "auto";
        /// The server's name among the others; auto takes the host name.
        node: Auto<Text> = "auto";
        /// Proxies whose Forwarded and X-Forwarded-For headers are believed.
        trusted_proxies: Networks = "none", reload;
        /// Web pages that may connect (the Origin header). Programs send none and are always let in.
        allowed_origins: Pages = "*";
        /// The public port shows the cluster, too, at /cluster: every server and every Redis process with their addresses. The metrics port always does.
        cluster_page: Switch = "true";
        /// Threads that serve connections; auto takes one a core.
        workers: Auto<Count> = "auto" in "1" to "1024";
    }
}

group! {
    /// Who may come in.
    pub struct Access: "Access" {
        /// Whoever gives a name may come in as a guest.
        guests: Switch = "true", reload;
        /// Joining a name that nobody has created opens a public room of that name.
        open_rooms: Switch = "true", reload;
        /// How long the token of a guest is good for.
        guest_token_age: Time = "30d" in "1m" to "365d", reload;
        /// The key that signs session ids and guest tokens, at least 32 bytes. Without one the server makes one up at each start, and
        /// tokens of an earlier start are not known any more. All servers of a cluster need the same.
        signing_key: Off<Hidden> = "off";
        /// A file that holds the signing key.
        signing_key_file: Off<File> = "off";
        /// The signing key before the present one, still accepted, so that a key can be changed while servers run.
        signing_key_previous: Off<Hidden> = "off";
        /// A file that holds the previous signing key.
        signing_key_previous_file: Off<File> = "off";
        /// The secret of the application's JSON Web Tokens (HS256), at least 32 bytes. Without one, tokens are not accepted.
        jwt_secret: Off<Hidden> = "off";
        /// A file that holds the JWT secret.
        jwt_secret_file: Off<File> = "off";
    }
}

group! {
    /// The Redis Cluster that holds the rooms, for several servers and for what outlives them.
    pub struct Redis: "Redis" {
        /// Some nodes of the Redis Cluster (7.0 or newer, or Valkey 8 or newer), as host:port,host:port; the rest is found from there. rediss:// before the
        /// list connects by TLS. off keeps everything in the memory of this server.
        redis: Off<Seeds> = "off";
        /// The ACL user; off is Redis's default user.
        redis_user: Off<Text> = "off";
        /// The password of the Redis user.
        redis_password: Off<Hidden> = "off";
        /// A file that holds the password.
        redis_password_file: Off<File> = "off";
        /// A file with the PEM certificates of the authorities that may sign Redis's certificate; off takes those of the system.
        redis_ca_file: Off<File> = "off";
        /// What all keys begin with: deployments that share a Redis Cluster need different ones.
        redis_prefix: Text = "chat";
        /// How many parts the rooms are spread over. Fixed by the first server that ever wrote to this Redis under this prefix.
        redis_partitions: Count = "256" in "1" to "4096";
        /// What becomes of messages while a shard has no replica: allow takes them, and says in each answer that the end of one machine may lose them;
        /// refuse takes none until a replica is back.
        redis_unreplicated: Unreplicated = "allow", reload;
        /// How long a message, or another write, is tried before its sender is told that nobody knows what became of it. Less than a third of
        /// dedup-age.
        redis_write_deadline: Time = "15s" in "1s" to "5m", reload;
    }
}

group! {
    /// How connections are kept.
    pub struct Transport: "Connections" {
        /// How often a connection is asked whether it lives.
        ping_interval: Time = "25s" in "100ms" to "10m";
        /// How long it may take to answer.
        ping_timeout: Time = "20s" in "100ms" to "10m";
    }
}

group! {
    /// How long a session can be recovered.
    pub struct Recovery: "Recovery" {
        /// How long a session is kept for a client that has gone, so that it can come back without having missed anything. Two hours outlast a closed
        /// laptop and most outages; a client that comes later joins again from its own cursors.
        session_expiry: Time = "2h" in "10s" to "7d";
    }
}

group! {
    /// What rooms keep.
    pub struct Retention: "Retention" {
        /// Entries that a room keeps; the oldest go.
        retention_entries: Count = "10000" in "1" to "10000000";
        /// How long a room keeps an entry.
        retention_age: Time = "7d" in "1s" to "3650d";
        /// Bytes of entries that a room keeps; the oldest go.
        retention_bytes: Bytes = "16MiB" in "64KiB" to "16GiB";
        /// How long an id that a client chose for a message is remembered at least: sent again within this time, the message is not appended
        /// again. Longer than a client's deadline for sending and its retries together.
        dedup_age: Time = "2m" in "1s" to "1d";
    }
}

group! {
    /// How the server goes away.
    pub struct Drain: "Drain" {
        /// How long the server still takes new connections after SIGTERM, since balancers learn late that it goes.
        drain_accept: Time = "10s" in "0s" to "10m", reload;
        /// Connections that a drain closes a second, so that the other servers are not stormed.
        drain_closes_per_second: Count = "500" in "1" to "1000000", reload;
        /// How long a drain may take in all; what is still connected then is closed at once. Less than the pod's grace period.
        drain_deadline: Time = "60s" in "1s" to "1d", reload;
    }
}

group! {
    /// What the server says about itself.
    pub struct Logging: "Logging" {
        /// How log lines look; auto is pretty on a terminal and json elsewhere.
        log_format: LogFormat = "auto";
        /// What is logged: a level (error, warn, info, debug, trace), or directives such as info,chat_server=debug.
        log_level: Text = "info", reload;
    }
}

group! {
    /// The settings that are not for the file.
    pub struct Files: "Configuration" {
        /// A YAML file with settings: one a line, named as the flags without --.
        config: Off<File> = "off";
    }
}
