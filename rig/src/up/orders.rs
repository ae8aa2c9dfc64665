//! What can be typed while everything runs.

/// All orders in one line.
pub(super) const HELP: &str = "Here: kill NAME, pause NAME, resume NAME, restart NAME, list, quit.";

/// An order to the rig.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order<'a> {
    Kill(&'a str),
    Pause(&'a str),
    Resume(&'a str),
    Restart(&'a str),
    List,
    Quit,
    Nothing,
}

impl<'a> Order<'a> {
    pub(super) fn parse(line: &'a str) -> Result<Self, &'static str> {
        match line.split_whitespace().collect::<Vec<_>>()[..] {
            [] => Ok(Self::Nothing),
            ["kill", name] => Ok(Self::Kill(name)),
            ["pause", name] => Ok(Self::Pause(name)),
            ["resume", name] => Ok(Self::Resume(name)),
            ["restart", name] => Ok(Self::Restart(name)),
            ["list"] => Ok(Self::List),
            ["quit"] => Ok(Self::Quit),
            _ => Err(HELP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_words() {
        assert_eq!(Order::parse("  restart  redis-1 \n"), Ok(Order::Restart("redis-1")));
        assert_eq!(Order::parse(""), Ok(Order::Nothing));
        assert_eq!(Order::parse("kill"), Err(HELP));
    }
}
