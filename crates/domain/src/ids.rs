//! Numbers given by the engine: dense, never reused, so that state is vectors indexed by them.

use minicbor::{Decode, Encode};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
        #[cbor(transparent)]
        pub struct $name(#[n(0)] pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(out)
            }
        }
    };
}

pub(crate) use id;

id!(
    /// A person who can join groups. Public form: the decimal number, shown only to those concerned.
    MemberId(u32)
);
id!(
    /// One published offer. Public decimal.
    CampaignId(u32)
);
id!(
    /// One instance of a campaign that fills with seats. Public decimal.
    GroupId(u64)
);
id!(
    /// Money owed back through a payment channel.
    RefundId(u64)
);
id!(
    /// What a winner gets.
    OrderId(u64)
);
id!(
    /// A merchant's counter (rules 1). Public decimal.
    StoreId(u32)
);
id!(
    /// A partner who sells on the platform and at its counters (rules 1). Public decimal.
    MerchantId(u32)
);
id!(
    /// One table of a treat (rules 4). Public decimal; guests know it by its token.
    TableId(u32)
);
id!(
    /// A person who runs the platform.
    OperatorId(u32)
);
id!(
    /// A program that joins for members it serves, with an API key (design: role `gateway`).
    GatewayId(u32)
);

/// One member's place in a group from reservation on, and the payment for it.
///
/// Written `4711-3`: the fourth reservation of group 4711. The seat number of the draw is another
/// number, given when the group is full (rules 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct PaymentId {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// Which reservation of the group, from 0.
    #[n(1)]
    pub index: u32,
}

impl std::fmt::Display for PaymentId {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}-{}", self.group, self.index)
    }
}

impl std::str::FromStr for PaymentId {
    type Err = BadId;

    /// Reads `4711-3`; refuses signs, spaces and leading zeros, so that one payment has one spelling.
    fn from_str(text: &str) -> Result<PaymentId, BadId> {
        let (group, index) = text.split_once('-').ok_or(BadId)?;
        let id = PaymentId {
            group: GroupId(group.parse().map_err(|_| BadId)?),
            index: index.parse().map_err(|_| BadId)?,
        };
        if id.to_string() == text {
            Ok(id)
        } else {
            Err(BadId)
        }
    }
}

/// A text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an id")]
pub struct BadId;

/// The provider's name of one payment: 1 to 32 visible ASCII characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Txn([u8; Txn::MAX_BYTES]);

impl Txn {
    /// Longest name a provider gives.
    pub const MAX_BYTES: usize = 32;

    /// Checks and takes a provider's name.
    pub fn new(text: &str) -> Result<Txn, BadId> {
        let bytes = text.as_bytes();
        if bytes.is_empty() || bytes.iter().any(|byte| !byte.is_ascii_graphic()) {
            return Err(BadId);
        }
        let mut name = [0; Txn::MAX_BYTES];
        name.get_mut(..bytes.len())
            .ok_or(BadId)?
            .copy_from_slice(bytes);
        Ok(Txn(name))
    }

    /// The provider's spelling.
    pub fn as_str(&self) -> &str {
        let end = self
            .0
            .iter()
            .position(|&byte| byte == 0)
            .unwrap_or(Txn::MAX_BYTES);
        self.0
            .get(..end)
            .and_then(|name| std::str::from_utf8(name).ok())
            .unwrap_or_default()
    }
}

/// The provider's name of a payment or none, in as many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaybeTxn(Txn);

impl MaybeTxn {
    /// No provider gives an empty name.
    pub(crate) const NONE: MaybeTxn = MaybeTxn(Txn([0; Txn::MAX_BYTES]));

    pub(crate) fn get(&self) -> Option<&Txn> {
        (self.0.0.first() != Some(&0)).then_some(&self.0)
    }
}

impl From<Txn> for MaybeTxn {
    fn from(txn: Txn) -> MaybeTxn {
        MaybeTxn(txn)
    }
}

impl<C> Encode<C> for MaybeTxn {
    fn encode<W: minicbor::encode::Write>(
        &self,
        out: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.get().encode(out, context)
    }
}

impl<'b, C> Decode<'b, C> for MaybeTxn {
    fn decode(
        input: &mut minicbor::Decoder<'b>,
        context: &mut C,
    ) -> Result<MaybeTxn, minicbor::decode::Error> {
        let txn = Option::decode(input, context)?;
        Ok(txn.map_or(MaybeTxn::NONE, MaybeTxn))
    }
}

impl std::fmt::Debug for Txn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl std::fmt::Display for Txn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

impl<C> Encode<C> for Txn {
    fn encode<W: minicbor::encode::Write>(
        &self,
        out: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        out.str(self.as_str())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Txn {
    fn decode(
        input: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<Txn, minicbor::decode::Error> {
        Txn::new(input.str()?).map_err(minicbor::decode::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payment_ids_have_one_spelling() {
        let id = PaymentId {
            group: GroupId(4711),
            index: 3,
        };
        assert_eq!("4711-3".parse(), Ok(id));
        for bad in [
            "",
            "4711",
            "4711-",
            "-3",
            "04711-3",
            "4711-03",
            "+4711-3",
            "4711-3 ",
            "4711-4294967296",
        ] {
            assert_eq!(bad.parse::<PaymentId>(), Err(BadId), "{bad:?}");
        }
    }

    #[test]
    fn provider_names_are_short_visible_ascii() {
        assert_eq!(
            Txn::new("a".repeat(32).as_str()).unwrap().as_str().len(),
            32
        );
        for bad in ["", "a b", "支付", "a\n", &"a".repeat(33)] {
            assert_eq!(Txn::new(bad), Err(BadId), "{bad:?}");
        }
    }
}
