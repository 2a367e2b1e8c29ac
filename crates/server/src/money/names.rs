//! What orders and refunds are called at the channel.
//!
//! Why not by our numbers alone: when a journal's end is lost for good, or an older backup is put back, numbers are
//! given a second time, and the channel remembers what it was told under the first. So a name there follows from what was
//! decided: the same reservation of the same member has the same name in both histories, another one has another name.

use domain::{DAY_MS, Duration, Kind, MAX_RIGHTS_PASS, MemberId, Millis, PaymentId, Txn, World};

/// How much of the hash stands in an order's name: with the longest numbers that groups and reservations have, the
/// name has the 32 characters that channels take.
const MARK_BYTES: usize = 5;
/// How long after its group's deadline a ballot's order can be paid: as long as rights may pass on, and a month for draws that
/// wait for their beacon and servers that are away. It is part of the order's name: never change it.
const BALLOT_ORDERS: Duration = Duration(MAX_RIGHTS_PASS.0 + 30 * DAY_MS);
/// Most orders of one place.
pub(super) const MOST_ORDERS: u32 = 20;
/// Two hex digits a byte.
const MARK_DIGITS: usize = 2 * MARK_BYTES;

/// An order's number at the channel, `4711-3-98207f5304`: the payment's number and a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderNo {
    /// The payment that it names.
    pub(crate) payment: PaymentId,
    /// None in the names of before there were marks: they are read, but name no reservation.
    mark: Option<[u8; MARK_BYTES]>,
}

/// What an order is made for. All of it is decided with the reservation and never changes, also where a lapsed one is
/// taken anew; and all that the order says follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The reservation.
    pub(crate) payment: PaymentId,
    /// Whose.
    pub(crate) member: MemberId,
    /// The random name of the member's row in the directory, which the journal holds.
    pub(crate) token: [u8; 16],
    /// The group's deadline, which tells it from another of the same number; in a ballot the last moment in which somebody may
    /// have a right to buy.
    pub(crate) expires_at: Millis,
    /// The hash of the published campaign.
    pub(crate) campaign: draw::Hash,
    /// What the member's tag in the draw is made of; no part of the order.
    pub(crate) tag_ident: draw::Ident,
}

impl Place {
    /// A reservation of a live group.
    pub(crate) fn of(world: &World, payment: PaymentId) -> Option<Place> {
        let (member, _) = world.seat(payment)?;
        let expires_at = world.group(payment.group)?.expires_at?;
        Place::for_member(world, payment, member, expires_at)
    }

    /// What a reservation of this member's in a group with this deadline would be.
    pub(crate) fn for_member(
        world: &World,
        payment: PaymentId,
        member: MemberId,
        expires_at: Millis,
    ) -> Option<Place> {
        let campaign = world.campaign_of(payment.group)?;
        // Who is drawn in a ballot pays after its deadline.
        let later = match campaign.terms.kind {
            Kind::Ballot => BALLOT_ORDERS,
            Kind::Draw | Kind::EveryoneBuys | Kind::BonusDraw | Kind::Treat => Duration(0),
        };
        Some(Place {
            payment,
            member,
            token: world.token(member)?,
            expires_at: expires_at.after(later),
            campaign: campaign.hash,
            tag_ident: world.tag_ident(payment.group)?.ok()?,
        })
    }

    /// The number of its order at the channel. `attempt` counts from 1: an order can be paid once there, so a place whose
    /// payment went back, because it came too late or was of another amount, needs another to be paid at all.
    pub(crate) fn order_no(&self, attempt: u32) -> OrderNo {
        let Place {
            payment,
            member,
            token,
            expires_at,
            campaign,
            tag_ident: _,
        } = self;
        let token = draw::to_hex(token);
        let text = format!(
            "potluck order {attempt}\npayment {payment}\nmember {member} {token}\nuntil {}\ncampaign {campaign}\n",
            expires_at.0
        );
        OrderNo {
            payment: *payment,
            mark: draw::hash(text.as_bytes()).0.first_chunk().copied(),
        }
    }

    /// Whether the order is one of this place's.
    pub(crate) fn has(&self, order: OrderNo) -> bool {
        (1..=MOST_ORDERS).any(|attempt| self.order_no(attempt) == order)
    }
}

impl OrderNo {
    /// Reads `4711-3-98207f5304`, or `4711-3` as of before there were marks; none if the order is not ours.
    pub(crate) fn read(text: &str) -> Option<OrderNo> {
        if let Ok(payment) = text.parse() {
            return Some(OrderNo {
                payment,
                mark: None,
            });
        }
        let (payment, mark) = text.rsplit_once('-')?;
        Some(OrderNo {
            payment: payment.parse().ok()?,
            mark: Some(read_mark(mark)?),
        })
    }
}

/// Exactly ten lower-case hex digits.
fn read_mark(text: &str) -> Option<[u8; MARK_BYTES]> {
    let good = text.len() == MARK_DIGITS
        && text
            .bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let number = u64::from_str_radix(text, 16).ok().filter(|_| good)?;
    number.to_be_bytes().last_chunk().copied()
}

impl std::fmt::Display for OrderNo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.mark {
            Some(mark) => write!(out, "{}-{}", self.payment, draw::to_hex(&mark)),
            None => write!(out, "{}", self.payment),
        }
    }
}

/// A refund's key at the channel, from the payment that it gives back: a payment is refunded once, and in full, whatever
/// number the refund has in our history. `attempt` counts from 1: what the channel has failed for good keeps its key.
pub(crate) fn refund_no(txn: &Txn, attempt: u32) -> String {
    let attempt = match attempt {
        0 | 1 => String::new(),
        later => later.to_string(),
    };
    let name = txn.as_str();
    // Keys are made of these characters, the providers' own names of any visible ones.
    let is_plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_plain {
        return format!("refund{attempt}-{name}");
    }
    let hash = draw::hash(name.as_bytes()).0;
    let short = hash.first_chunk::<16>().map_or(&hash[..], |short| short);
    format!("refund{attempt}-hash-{}", draw::to_hex(short))
}

/// A payout's key at the channel. All of it was decided with the request, and none of it is a number of ours: a history that
/// is told again after its end was lost pays the same withdrawal under the same key.
pub fn payout_no(member_token: &[u8; 16], withdrawal: &domain::Withdrawal) -> String {
    let member = draw::to_hex(member_token);
    let token = draw::to_hex(&withdrawal.token);
    let account = draw::to_hex(&withdrawal.account);
    let net = withdrawal.net().0;
    let text = format!(
        "potluck payout\nmember {member}\nwithdrawal {token}\naccount {account}\nfen {net}\n"
    );
    let hash = draw::hash(text.as_bytes()).0;
    let short = hash.first_chunk::<16>().map_or(&hash[..], |short| short);
    format!("payout-{}", draw::to_hex(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::GroupId;

    fn place() -> Place {
        Place {
            payment: PaymentId {
                group: GroupId(4711),
                index: 3,
            },
            member: MemberId(17),
            token: [0xa5; 16],
            expires_at: Millis(1_795_366_800_000),
            campaign: draw::hash(b"campaign"),
            tag_ident: draw::Ident::new("4711-a").unwrap(),
        }
    }

    /// Orders under these names are at the channel: repair the code, never this line.
    #[test]
    fn an_orders_number_never_changes() {
        assert_eq!(place().order_no(1).to_string(), "4711-3-98207f5304");
    }

    #[test]
    fn whatever_differs_gives_another_number() {
        let other_payment = PaymentId {
            index: 4,
            ..place().payment
        };
        let others = [
            Place {
                payment: other_payment,
                ..place()
            },
            Place {
                member: MemberId(18),
                ..place()
            },
            Place {
                token: [0xa6; 16],
                ..place()
            },
            Place {
                expires_at: Millis(1_795_366_800_001),
                ..place()
            },
            Place {
                campaign: draw::hash(b"another"),
                ..place()
            },
        ];
        let mut marks: Vec<_> = others
            .iter()
            .chain([&place()])
            .map(|place| place.order_no(1).mark)
            .collect();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), others.len() + 1);
    }

    #[test]
    fn a_place_has_twenty_orders_and_no_other() {
        assert!(place().has(place().order_no(1)));
        assert!(place().has(place().order_no(20)));
        assert!(!place().has(place().order_no(21)));
        let other = Place {
            token: [0xa6; 16],
            ..place()
        };
        assert!(!place().has(other.order_no(1)));
        let bare = OrderNo {
            payment: place().payment,
            mark: None,
        };
        assert!(!place().has(bare));
    }

    #[test]
    fn the_longest_order_number_is_taken_by_the_channel() {
        let payment = PaymentId {
            group: GroupId(u64::from(u32::MAX)),
            index: u32::MAX,
        };
        let longest = Place { payment, ..place() }.order_no(1).to_string();
        assert_eq!(longest.len(), 32);
        assert_eq!(OrderNo::read(&longest).unwrap().payment, payment);
    }

    #[test]
    fn order_numbers_have_one_spelling() {
        let payment = place().payment;
        let own = place().order_no(1);
        assert_eq!(OrderNo::read(&own.to_string()), Some(own));
        let bare = OrderNo {
            payment,
            mark: None,
        };
        assert_eq!(OrderNo::read("4711-3"), Some(bare));
        assert_ne!(own, bare);
        for other in [
            "",
            "4711",
            "4711-3_",
            "4711-3-",
            "4711-3-98207f530",
            "4711-3-98207f53040",
            "4711-3-98207F5304",
            "4711-3-+8207f5304",
            "4711-3-1795366800-",
            "4711-03-98207f5304",
            "+4711-3",
            "gw-4711-3",
            "gw-4711-3-98207f5304",
        ] {
            assert_eq!(OrderNo::read(other), None, "{other:?}");
        }
    }

    /// Payouts under these keys are at the channel: repair the code, never this line.
    #[test]
    fn a_payouts_key_never_changes() {
        let withdrawal = domain::Withdrawal {
            member: MemberId(17),
            token: [1; 16],
            amount: domain::Money(10_000),
            fee: domain::Money(60),
            account: [2; 16],
            requested_at: Millis(1_795_366_800_000),
            state: domain::WithdrawalState::Sent,
        };
        let key = payout_no(&[0xa5; 16], &withdrawal);
        assert_eq!(key, "payout-590f20a619e83e246f6ec0d601f8efbe");
        let later = domain::Withdrawal {
            requested_at: Millis(0),
            state: domain::WithdrawalState::Waiting,
            ..withdrawal
        };
        assert_eq!(payout_no(&[0xa5; 16], &later), key);
        let others = [
            domain::Withdrawal {
                token: [3; 16],
                ..withdrawal
            },
            domain::Withdrawal {
                account: [3; 16],
                ..withdrawal
            },
            domain::Withdrawal {
                fee: domain::Money(61),
                ..withdrawal
            },
        ];
        for other in others {
            assert_ne!(payout_no(&[0xa5; 16], &other), key);
        }
        assert_ne!(payout_no(&[0xa6; 16], &withdrawal), key);
    }

    #[test]
    fn a_refunds_key_is_made_of_its_payment() {
        let check = |txn: &str, attempt: u32, key: &str| {
            let made = refund_no(&Txn::new(txn).unwrap(), attempt);
            assert_eq!(made, key);
            assert!(made.len() <= 64, "{made}");
        };
        //    payment  attempt  key
        check("42001", 1, "refund-42001");
        check("42001", 20, "refund20-42001");
        check(&"9".repeat(32), 20, &format!("refund20-{}", "9".repeat(32)));
        check("a/b", 1, "refund-hash-c14cddc033f64b9dea80ea675cf280a0");
        check("a-b", 2, "refund2-hash-d44362d67d921091c7b9674d752e9e23");
    }
}
