//! When a batch of writes counts. Pure: the head's report and the replicas' number go in, the verdict comes out.

use crate::call::Value;

/// What the first call of a pipeline reports about its master, before the writes that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) master: bool,
    /// Replicas that follow and answer.
    pub(crate) online: u32,
    /// Replicas that are linked and have not answered for some seconds. They may be elected all the same.
    pub(crate) silent: u32,
    pub(crate) tenure: String,
}

impl Head {
    /// As the function `tenure` of the preamble answers.
    pub(crate) fn parse(value: &Value) -> Option<Self> {
        let [role, online, silent, tenure] = value.as_array()? else { return None };
        Some(Self {
            master: role.as_bytes()?.as_ref() == b"master",
            online: u32::try_from(online.as_integer()?).ok()?,
            silent: u32::try_from(silent.as_integer()?).ok()?,
            tenure: String::from_utf8(tenure.as_bytes()?.to_vec()).ok()?,
        })
    }

    /// With what the cluster knows: a replica whose link has just broken, or that is still being sent everything, does not follow and may be elected.
    pub(crate) fn with_electable(&self, electable: u32) -> Self {
        Self { silent: self.silent.max(electable.saturating_sub(self.online)), ..self.clone() }
    }
}

/// What a batch is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every replica that may be elected has it.
    Replicated,
    /// There are more replicas than were asked for: wait for so many.
    WaitFor(u32),
    /// No replica that may be elected is known to have it, since none follows or one is silent. It counts only where that is allowed, and only while a
    /// majority of masters still takes this one for the owner: a master that was replaced without knowing it looks the same from here.
    Alone,
    /// Nobody knows.
    Short,
}

/// `asked` replicas were waited for, and `acked` have answered.
pub(crate) fn verdict(head: &Head, asked: u32, acked: u32) -> Verdict {
    if !head.master {
        return Verdict::Short;
    }
    if head.online + head.silent == 0 {
        return Verdict::Alone;
    }
    if acked >= head.online + head.silent {
        return Verdict::Replicated;
    }
    if acked >= head.online && head.silent > 0 {
        return Verdict::Alone;
    }
    if acked >= asked && asked < head.online {
        return Verdict::WaitFor(head.online);
    }
    Verdict::Short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(online: u32, silent: u32) -> Head {
        Head { master: true, online, silent, tenure: "t".into() }
    }

    #[test]
    fn all_replicas_that_may_be_elected_have_it() {
        for (online, silent, asked, acked, expected) in [
            (1, 0, 1, 1, Verdict::Replicated),
            (1, 0, 1, 0, Verdict::Short),
            (2, 0, 2, 1, Verdict::Short),
            (2, 0, 1, 1, Verdict::WaitFor(2)),
            (2, 0, 1, 2, Verdict::Replicated),
            (2, 0, 1, 0, Verdict::Short),
            // One came between: the first wait asked for none.
            (1, 0, 0, 0, Verdict::WaitFor(1)),
            (0, 0, 1, 0, Verdict::Alone),
            (0, 0, 0, 0, Verdict::Alone),
            (0, 1, 0, 0, Verdict::Alone),
            (1, 1, 1, 1, Verdict::Alone),
            (1, 1, 1, 2, Verdict::Replicated),
            (1, 1, 1, 0, Verdict::Short),
        ] {
            assert_eq!(verdict(&head(online, silent), asked, acked), expected, "{online} {silent} {asked} {acked}");
        }
    }

    #[test]
    fn a_replica_that_does_not_follow_may_be_elected_all_the_same() {
        for (online, silent, electable, acked, expected) in [
            (1, 0, 2, 1, Verdict::Alone),
            (1, 0, 1, 1, Verdict::Replicated),
            (1, 0, 0, 1, Verdict::Replicated),
            (1, 1, 2, 1, Verdict::Alone),
            (0, 0, 1, 0, Verdict::Alone),
            (2, 0, 3, 1, Verdict::Short),
        ] {
            let head = head(online, silent).with_electable(electable);
            assert_eq!(verdict(&head, online, acked), expected, "{online} {silent} {electable} {acked}");
        }
    }

    #[test]
    fn a_replica_confirms_nothing() {
        let replica = Head { master: false, ..head(0, 0) };
        assert_eq!(verdict(&replica, 0, 5), Verdict::Short);
    }
}
