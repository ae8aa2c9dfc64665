//! Every limit of the server: what it bounds, its default, and what a client or an operator is told when it is reached.
//!
//! The name of a limit is its key, and the label of the counter that counts how often it was reached.

use crate::key::group;
use crate::kind::{Bytes, Count, Kind, Off, Time};

/// Makes [`Limits`] and [`Limit`] from the same list. In a refusal, `{}` stands for the limit's value.
macro_rules! limits {
    ($(
        $(#[doc = $meaning:literal])+
        $Limit:ident $field:ident: $Kind:ty = $default:literal in $low:literal to $high:literal $(, $reload:ident)? => $refusal:literal;
    )+) => {
        group! {
            /// The values of all limits.
            pub struct Limits: "Limits" {
                $( $(#[doc = $meaning])+ $field: $Kind = $default in $low to $high $(, $reload)?; )+
            }
        }

        /// What has a limit.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Limit {
            $( $(#[doc = $meaning])+ $Limit, )+
        }

        impl Limit {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$Limit),+];

            /// Its name in metrics: that of its setting, with `_`.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$Limit => stringify!($field), )+
                }
            }

            /// What somebody who has reached it is told: what was too much, and what to do.
            pub fn refusal(self, limits: &Limits) -> String {
                match self {
                    $( Self::$Limit => $refusal.replace("{}", &<$Kind as Kind>::show(&limits.$field)), )+
                }
            }
        }
    };
}

limits! {
    /// Connections of this server at once. Past it, 503 with Retry-After.
    Connections max_connections: Count = "100000" in "1" to "10000000", reload
        => "this server holds {} connections, as many as it may: try again, another server may have room";
    /// Connections that have not connected a namespace yet.
    Unauthenticated max_unauthenticated: Count = "20000" in "1" to "10000000", reload
        => "{} connections of this server are still to authenticate: try again later";
    /// Connections from one address; off by default, since balancers hide addresses (see trusted-proxies).
    ConnectionsPerAddress connections_per_address: Off<Count> = "off" in "1" to "1000000", reload
        => "more than {} connections from one address: close some first";
    /// Memory of the process past which new connections get 503.
    Memory memory_high_water: Off<Bytes> = "off" in "32MiB" to "1024GiB", reload
        => "this server uses more than {} of memory: try again, another server may have room";
    /// How long a connection may go without connecting a namespace.
    ConnectTimeout connect_timeout: Time = "45s" in "100ms" to "10m"
        => "no namespace was connected within {}";
    /// How long an upgrade from polling to WebSocket may take.
    UpgradeTimeout upgrade_timeout: Time = "10s" in "100ms" to "10m"
        => "the upgrade took longer than {}: the connection stays on polling";
    /// How long a client may take to send the headers of a request.
    HeaderTimeout header_timeout: Time = "10s" in "100ms" to "10m"
        => "the headers of the request took longer than {}";
    /// How long a client may take to send the body of a request.
    BodyTimeout body_timeout: Time = "20s" in "100ms" to "10m"
        => "the body of the request took longer than {}";
    /// How long a client may read nothing while there is something to send.
    StallTimeout stall_timeout: Time = "30s" in "100ms" to "1h"
        => "nothing was read for {} while there was something to send: connect again, nothing is lost";
    /// The longest message or polling payload that is taken.
    Payload max_payload: Bytes = "100KB" in "1KB" to "100MB"
        => "the payload is longer than {}: send it in parts";
    /// What may wait for a connection that does not keep up. Past it, its rooms are read from the log once it reads again.
    Outbox outbox: Bytes = "64KiB" in "4KiB" to "16MiB"
        => "more than {} wait for this connection: it catches up from the log";
    /// Rooms that a session may be in at once.
    RoomsPerSession rooms_per_session: Count = "200" in "1" to "10000", reload
        => "a session may be in at most {} rooms: leave one first";
    /// Sessions that are kept for recovery.
    Sessions max_sessions: Count = "200000" in "1" to "10000000"
        => "the server keeps {} sessions, as many as it may: try again later";
    /// Rooms that are kept.
    Rooms max_rooms: Count = "100000" in "1" to "10000000"
        => "there are {} rooms, as many as there may be: use one that exists";
    /// Members of a private room.
    RoomMembers room_members: Count = "1000" in "2" to "10000"
        => "a private room may have at most {} members";
    /// Private rooms that a user may be a member of.
    RoomsPerUser rooms_per_user: Count = "1000" in "1" to "10000"
        => "a user may be a member of at most {} private rooms: leave one first";
    /// Bytes of entries and remembered ids of all rooms together, with the memory log.
    LogBytes max_log_bytes: Bytes = "1GiB" in "1MiB" to "1024GiB"
        => "the log holds {}, as much as it may: try again later";
    /// The name of a room, in bytes.
    RoomName room_bytes: Bytes = "128B" in "1B" to "1KB", reload
        => "the name of a room may be at most {} long: choose a shorter one";
    /// The title of a room, in characters.
    RoomTitle title_chars: Count = "128" in "1" to "1024", reload
        => "the title of a room may have at most {} characters: choose a shorter one";
    /// The shown name of a user, in characters.
    UserName name_chars: Count = "64" in "1" to "256", reload
        => "a name may have at most {} characters: choose a shorter one";
    /// The text of a message, in bytes.
    Text text_bytes: Bytes = "16KB" in "1B" to "10MB", reload
        => "the text may be at most {} long: send it in parts";
    /// The data of a message, as JSON in bytes.
    Data data_bytes: Bytes = "16KB" in "2B" to "10MB", reload
        => "the data may be at most {} of JSON: send it in parts, or a link to it";
    /// The id that a client chooses for a message, in characters.
    MessageId id_chars: Count = "64" in "16" to "256"
        => "the id of a message must have 1 to {} characters";
    /// Entries in one answer to a request for history.
    HistoryPage history_page: Count = "100" in "1" to "1000", reload
        => "one page of history holds at most {} entries: ask for the next one";
    /// Messages that a user may send at once after a pause.
    SendBurst send_burst: Count = "100" in "1" to "100000", reload
        => "more than {} messages at once: wait for `retry_after_ms`";
    /// Messages that a user may send a second in the long run.
    SendRate send_per_second: Count = "20" in "1" to "100000", reload
        => "more than {} messages a second: wait for `retry_after_ms`";
    /// Volatile events (typing, receipts) that a user may send a second.
    TypingRate typing_per_second: Count = "10" in "1" to "1000", reload
        => "more than {} typing events or receipts a second: wait for `retry_after_ms`";
    /// Other requests (join, leave, history, rooms, create) that a user may make a second; ten times as many at once.
    RequestRate requests_per_second: Count = "50" in "1" to "10000", reload
        => "more than {} requests a second: wait for `retry_after_ms`";
}
