//! Who may do what in a room: pure rules, and the only place where they stand.

use super::Visibility;
use serde::{Deserialize, Serialize};

/// What a member of a private room may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read.
    Reader,
    /// Read and send.
    Member,
    /// Also invite, and put out those below.
    Admin,
    /// Everything.
    Owner,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Member, Self::Admin, Self::Owner];

    /// The letter that it is stored as.
    pub const fn letter(self) -> char {
        match self {
            Self::Reader => 'r',
            Self::Member => 'm',
            Self::Admin => 'a',
            Self::Owner => 'o',
        }
    }

    /// The role of a stored letter.
    pub fn of_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.letter() == letter)
    }
}

/// What somebody wants to do in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Join it, read its history, list its members, tell how far one has read.
    Read,
    /// Send, edit, delete, react; tell that one types.
    Send,
    /// Make somebody who is no member one.
    Invite(Role),
    /// Put a member out.
    Kick(Role),
    /// Leave for good.
    Resign,
    /// Make a member another kind of member.
    Promote {
        /// What the member is.
        from: Role,
        /// What the member is to be.
        to: Role,
    },
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Who asks may not know that there is such a room.
    NotFound,
    /// The room's members do not change: it is public, or of two.
    Fixed,
    /// The role does not allow it.
    Role,
    /// It would leave the room without an owner.
    LastOwner,
}

/// Whether somebody with this role, or none, may do this. `fixed`: it is a room of two, whose members stay.
pub fn may(visibility: Visibility, fixed: bool, role: Option<Role>, action: Action) -> Result<(), Denied> {
    let role = match (visibility, role) {
        (Visibility::Public, _) => {
            return match action {
                Action::Read | Action::Send => Ok(()),
                Action::Invite(_) | Action::Kick(_) | Action::Resign | Action::Promote { .. } => Err(Denied::Fixed),
            };
        }
        (Visibility::Private, None) => return Err(Denied::NotFound),
        (Visibility::Private, Some(role)) => role,
    };
    let manages = role >= Role::Admin;
    let allowed = match action {
        Action::Read => true,
        Action::Send => role >= Role::Member,
        Action::Invite(_) | Action::Kick(_) | Action::Resign | Action::Promote { .. } if fixed => {
            return Err(Denied::Fixed);
        }
        Action::Resign if role == Role::Owner => return Err(Denied::LastOwner),
        Action::Resign => true,
        // An owner is above everybody, an admin above those who are none.
        Action::Invite(other) | Action::Kick(other) => manages && (role > other || role == Role::Owner),
        Action::Promote { from, to } => manages && (role == Role::Owner || (role > from && role > to)),
    };
    if allowed { Ok(()) } else { Err(Denied::Role) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    const ACTIONS: [(&str, Action); 14] = [
        ("read", Action::Read),
        ("send", Action::Send),
        ("invite reader", Action::Invite(Role::Reader)),
        ("invite member", Action::Invite(Role::Member)),
        ("invite admin", Action::Invite(Role::Admin)),
        ("invite owner", Action::Invite(Role::Owner)),
        ("kick member", Action::Kick(Role::Member)),
        ("kick admin", Action::Kick(Role::Admin)),
        ("kick owner", Action::Kick(Role::Owner)),
        ("resign", Action::Resign),
        ("member to reader", Action::Promote { from: Role::Member, to: Role::Reader }),
        ("member to admin", Action::Promote { from: Role::Member, to: Role::Admin }),
        ("admin to member", Action::Promote { from: Role::Admin, to: Role::Member }),
        ("admin to owner", Action::Promote { from: Role::Admin, to: Role::Owner }),
    ];

    /// y: allowed, -: not by this role, 0: there is no such room, f: members are fixed, l: the last owner
    const EXPECTED: &str = "
                       owner admin member reader stranger | of two: member stranger | public
        read             y     y     y      y      0       |         y      0        |   y
        send             y     y     y      -      0       |         y      0        |   y
        invite reader    y     y     -      -      0       |         f      0        |   f
        invite member    y     y     -      -      0       |         f      0        |   f
        invite admin     y     -     -      -      0       |         f      0        |   f
        invite owner     y     -     -      -      0       |         f      0        |   f
        kick member      y     y     -      -      0       |         f      0        |   f
        kick admin       y     -     -      -      0       |         f      0        |   f
        kick owner       y     -     -      -      0       |         f      0        |   f
        resign           l     y     y      y      0       |         f      0        |   f
        member to reader y     y     -      -      0       |         f      0        |   f
        member to admin  y     -     -      -      0       |         f      0        |   f
        admin to member  y     -     -      -      0       |         f      0        |   f
        admin to owner   y     -     -      -      0       |         f      0        |   f";

    #[test]
    fn every_action_by_everybody() {
        let private = |role| (Visibility::Private, false, role);
        let everybody = [
            private(Some(Role::Owner)),
            private(Some(Role::Admin)),
            private(Some(Role::Member)),
            private(Some(Role::Reader)),
            private(None),
            (Visibility::Private, true, Some(Role::Member)),
            (Visibility::Private, true, None),
            (Visibility::Public, false, None),
        ];
        let mut found = String::new();
        for (name, action) in ACTIONS {
            write!(found, "\n{name}").expect("a string takes all");
            for (visibility, fixed, role) in everybody {
                let letter = match may(visibility, fixed, role, action) {
                    Ok(()) => 'y',
                    Err(Denied::Role) => '-',
                    Err(Denied::NotFound) => '0',
                    Err(Denied::Fixed) => 'f',
                    Err(Denied::LastOwner) => 'l',
                };
                write!(found, " {letter}").expect("a string takes all");
            }
        }
        let words =
            |text: &str| text.split_whitespace().filter(|word| *word != "|").map(str::to_owned).collect::<Vec<_>>();
        let expected = EXPECTED.lines().skip(2).collect::<Vec<_>>().join("\n");
        assert_eq!(words(&found), words(&expected));
    }

    #[test]
    fn letters_stand_for_roles() {
        for role in Role::ALL {
            assert_eq!(Role::of_letter(role.letter()), Some(role));
        }
        assert_eq!(Role::of_letter('x'), None);
    }
}
