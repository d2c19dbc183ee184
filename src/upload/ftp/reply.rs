//! Replies of an FTP server (RFC 959 §4.2, RFC 2428 §3) and what they mean for
//! an upload.

use crate::upload::trouble::quoted;
use crate::upload::{Cure, Stage, TransferError};

/// One reply, its lines joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    /// Three digits.
    pub code: u16,
    /// All lines, with their codes, separated by newlines.
    pub text: String,
}

impl Reply {
    /// 1yz: the action has begun.
    pub fn is_preliminary(&self) -> bool {
        self.code / 100 == 1
    }

    /// 2yz: the action is done.
    pub fn is_done(&self) -> bool {
        self.code / 100 == 2
    }

    /// 3yz: another command has to follow.
    pub fn wants_more(&self) -> bool {
        self.code / 100 == 3
    }

    /// The port of `229 … (|||6446|)`.
    pub fn extended_port(&self) -> Option<u16> {
        let (_, rest) = self.text.split_once('(')?;
        let (inside, _) = rest.split_once(')')?;
        let mark = inside.chars().next()?;
        let mut fields = inside.split(mark).skip(3);
        fields.next()?.parse().ok().filter(|port| *port != 0)
    }

    /// The port of `227 … (127,0,0,1,25,46)`. The address before it is not read:
    /// behind a translated address it is wrong, and a hostile one would have us
    /// connect to a third machine.
    pub fn passive_port(&self) -> Option<u16> {
        let numbers = self.text.get(4..)?;
        let start = numbers.find(|c: char| c.is_ascii_digit())?;
        let list: String = numbers.get(start..)?.chars().take_while(|c| c.is_ascii_digit() || *c == ',').collect();
        let fields: Vec<u8> = list.split(',').map(str::parse).collect::<Result<_, _>>().ok()?;
        match fields.as_slice() {
            [_, _, _, _, high, low] => Some(u16::from_be_bytes([*high, *low])).filter(|port| *port != 0),
            _ => None,
        }
    }

    /// A refusal, by what may cure it.
    pub fn refusal(&self, stage: Stage, host: &str) -> TransferError {
        let (cure, refused) = match self.code {
            // the service or the network is in trouble, the request is not
            421 | 425 | 426 => (Cure::Retry, false),
            // 550 is what Launchpad's daemon answers to a second upload from the
            // same machine within a while, and to whatever goes wrong inside
            400..=499 | 550 => (Cure::Retry, true),
            // no such login, no such command, no such folder, no space for this account
            500..=599 => (Cure::OtherWay, true),
            // no FTP server speaks so
            _ => (Cure::OtherWay, false),
        };
        TransferError { stage, cure, reason: format!("{host} answered {}", quoted(&self.text)), refused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> Reply {
        Reply { code, text: text.to_string() }
    }

    #[test]
    fn passive_replies() {
        assert_eq!(reply(229, "229 Entering Extended Passive Mode (|||6446|).").extended_port(), Some(6446));
        assert_eq!(reply(229, "229 (!!!70000!)").extended_port(), None);
        assert_eq!(reply(229, "229 (|||0|)").extended_port(), None);
        assert_eq!(reply(229, "229 ()").extended_port(), None);
        assert_eq!(reply(227, "227 Entering Passive Mode (10,0,0,1,25,46).").passive_port(), Some(6446));
        assert_eq!(reply(227, "227 =10,0,0,1,25,46").passive_port(), Some(6446));
        assert_eq!(reply(227, "227 (10,0,0,1,25,446)").passive_port(), None);
        assert_eq!(reply(227, "227").passive_port(), None);
    }

    #[test]
    fn what_may_cure_a_refusal() {
        let cure = |code| reply(code, "").refusal(Stage::Login, "h").cure;
        for code in [421, 425, 426, 450, 451, 452, 550] {
            assert_eq!(cure(code), Cure::Retry, "{code}");
        }
        for code in [500, 530, 532, 553] {
            assert_eq!(cure(code), Cure::OtherWay, "{code}");
        }
    }
}
