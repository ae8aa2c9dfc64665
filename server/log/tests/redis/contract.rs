//! The contract suite on real clusters.

mod redis {
    use chat_rig::Flavour;

    use crate::harness::{OnCluster, Server};

    struct Redis;
    impl Server for Redis {
        const FLAVOUR: Flavour = Flavour::Redis;
    }
    chat_log::contract!(OnCluster<Redis>);
}

mod valkey {
    use chat_rig::Flavour;

    use crate::harness::{OnCluster, Server};

    struct Valkey;
    impl Server for Valkey {
        const FLAVOUR: Flavour = Flavour::Valkey;
    }
    chat_log::contract!(OnCluster<Valkey>);
}
