//! The slot of a key, as Redis Cluster computes it: CRC16 (XMODEM) of the hash tag, or of the whole key where there is none.

/// How many slots a Redis Cluster has.
pub const SLOTS: u16 = 16_384;

/// The slot of a key or of a sharded channel.
pub fn slot(key: &[u8]) -> u16 {
    crc16(tag(key)) % SLOTS
}

/// What is between the first `{` and the first `}` after it, unless that is nothing.
fn tag(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&byte| byte == b'{') else { return key };
    let after = &key[open + 1..];
    match after.iter().position(|&byte| byte == b'}') {
        None | Some(0) => key,
        Some(close) => &after[..close],
    }
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, &byte| (crc << 8) ^ TABLE[usize::from((crc >> 8) as u8 ^ byte)])
}

const TABLE: [u16; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = (index as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// As `CLUSTER KEYSLOT` of Redis 7.0.15 answers.
    #[test]
    fn slots_are_those_of_redis() {
        for (key, expected) in [
            ("", 0),
            ("foo", 12_182),
            ("123456789", 12_739),
            ("{user1000}.following", 3443),
            ("{user1000}.followers", 3443),
            ("foo{bar}{zap}", 5061),
            ("foo{{bar}}zap", 4015),
            ("foo{}{bar}", 8363),
            ("foo{bar", 15_278),
        ] {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
    }
}
