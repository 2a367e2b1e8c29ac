//! What can be asked of the platform. A command is imperative, names its actor and may carry an idempotency key.

use minicbor::{Decode, Encode};

use crate::{
    AllianceCommand, BallotCommand, Campaign, CampaignId, CircleCommand, CounterId,
    DeliveryCommand, GatewayId, GroupId, IdentityCommand, MemberId, MemberLimits, Millis, Money,
    OperatorId, OrderId, PaymentId, PayoutOutcome, PlanTerms, Profile, PurchaseId, RechargeCommand,
    RefundId, Region, ShopCommand, SkuId, TableCommand, Txn, WithdrawalId,
};

/// A command with who asks and, for a client's write, its idempotency key.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub actor: Actor,
    /// The client's key, if it came from a client.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

/// Who asks. What each may ask is decided where requests enter; the domain checks ownership again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum Actor {
    /// The platform itself: timers, payment results, beacons.
    #[n(0)]
    System,
    /// A member.
    #[n(1)]
    Member(#[n(0)] MemberId),
    /// A person who runs the platform.
    #[n(2)]
    Operator(#[n(0)] OperatorId),
    /// A program that joins for the members it serves.
    #[n(3)]
    Gateway(#[n(0)] GatewayId),
}

/// A client's key and what it was sent with (rules 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct IdempotencyKey {
    /// First 16 bytes of the SHA-256 of the client's text.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub key: [u8; 16],
    /// First 16 bytes of the SHA-256 of the request's content.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub content: [u8; 16],
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Command {
    /// Makes a member of a directory row. The same token again gives the same member.
    RegisterMember {
        /// Random, from the directory row.
        token: [u8; 16],
        /// Whose link or code was used at sign-up.
        inviter: Option<MemberId>,
    },
    /// Opens a campaign for groups, for ever unchanged.
    PublishCampaign {
        /// Its terms.
        campaign: Box<Campaign>,
    },
    /// Records capital that was put into the channel's account (rules 8, books).
    DepositCapital {
        /// More than zero.
        amount: Money,
    },
    /// Records that withheld tax was handed over to the tax office (rules 9.3).
    PayTax {
        /// More than zero, at most what is owed.
        amount: Money,
    },
    /// Records that suppliers were paid (rules 6).
    PaySuppliers {
        /// More than zero, at most what all of them are owed.
        amount: Money,
    },
    /// Opens a group and reserves its seat 0.
    OpenGroup {
        /// The offer.
        campaign: CampaignId,
        /// Who will be its leader.
        member: MemberId,
        /// Whose share link was used.
        via: Option<MemberId>,
    },
    /// Reserves a seat.
    JoinGroup {
        /// The group.
        group: GroupId,
        /// Who joins.
        member: MemberId,
        /// Whose share link was used.
        via: Option<MemberId>,
    },
    /// Gives up all the member's seats in a group that is not full yet.
    LeaveGroup {
        /// The group.
        group: GroupId,
        /// Who leaves.
        member: MemberId,
    },
    /// A payment for a reservation has arrived, as the channel itself confirmed.
    AcceptPayment {
        /// For which reservation.
        payment: PaymentId,
        /// What the provider calls it.
        txn: Txn,
        /// What was paid.
        amount: Money,
        /// The member's tag in this group (draw 3).
        tag: [u8; 32],
    },
    /// Reserves and pays in one, for a payment that a gateway's member has already made.
    JoinPaid {
        /// The group.
        group: GroupId,
        /// Who joins.
        member: MemberId,
        /// Whose share link was used.
        via: Option<MemberId>,
        /// What the provider calls the payment.
        txn: Txn,
        /// What was paid.
        amount: Money,
        /// The member's tag in this group (draw 3).
        tag: [u8; 32],
    },
    /// Sends back money that came for a group no longer in memory, or for nothing known. The caller has looked
    /// through the history up to now and has not found this payment there.
    BouncePayment {
        /// The reservation, where the payment names one that existed.
        payment: Option<PaymentId>,
        /// Who paid, where known.
        member: Option<MemberId>,
        /// What the provider calls it.
        txn: Txn,
        /// What was paid.
        amount: Money,
    },
    /// Ends an open group on an operator's decision; everybody is refunded.
    CancelGroup {
        /// The group.
        group: GroupId,
    },
    /// Settles a full group by its draw.
    SettleGroup {
        /// The group.
        group: GroupId,
        /// What only the draw's own verifier can make.
        outcome: Box<draw::Outcome>,
    },
    /// Voids a full group whose beacon value is not known by the timeout. The caller has asked every source.
    VoidGroup {
        /// The group.
        group: GroupId,
    },
    /// Shows the value of a void group's round that was found after all.
    NoteLateRound {
        /// The group.
        group: GroupId,
        /// What only the beacon's own verifier can make.
        round: Box<draw::VerifiedRound>,
    },
    /// The channel has sent the money back.
    ConfirmRefund {
        /// Which refund.
        refund: RefundId,
    },
    /// The winner's product is on its way.
    ShipOrder {
        /// Which order.
        order: OrderId,
    },
    /// The winner has the product.
    ReceiveOrder {
        /// Which order.
        order: OrderId,
        /// Whose it is.
        member: MemberId,
    },
    /// The buyer sends the product back, within the return window (rules 9.4).
    ReturnOrder {
        /// Which order.
        order: OrderId,
        /// Whose it is.
        member: MemberId,
    },
    /// The product that was sent back has arrived.
    TakeBackOrder {
        /// Which order.
        order: OrderId,
    },
    /// Applies what time has made due.
    Tick(Due),
    /// Publishes one more plan, for ever unchanged.
    PublishPlan {
        /// Its terms.
        terms: Box<PlanTerms>,
    },
    /// Sets a member's rank by an operator's decision.
    SetRank {
        /// Whose.
        member: MemberId,
        /// By which plan.
        plan: u32,
        /// None: it is counted again.
        rank: Option<u16>,
    },
    /// Says where a member lives.
    DeclareRegion {
        /// Who.
        member: MemberId,
        /// The smallest division there is: a county, or a city without counties.
        region: Region,
    },
    /// Makes a member the agent of a region that has none.
    AppointAgent {
        /// A province, city or county.
        region: Region,
        /// Who.
        member: MemberId,
    },
    /// Leaves a region without an agent.
    DismissAgent {
        /// Which.
        region: Region,
    },
    /// Changes what a member allows himself: tighter at once, looser a day later.
    SetLimits {
        /// Who.
        member: MemberId,
        /// All of it.
        limits: MemberLimits,
    },
    /// Has a member begin nothing for so long.
    ExcludeSelf {
        /// Who.
        member: MemberId,
        /// 7, 30 or 180; none: for ever.
        days: Option<u32>,
    },
    /// Freezes a member.
    FreezeMember {
        /// Who.
        member: MemberId,
    },
    /// Ends that.
    UnfreezeMember {
        /// Who.
        member: MemberId,
    },
    /// Deletes a member's account, which is then as frozen, for good.
    DeleteAccount {
        /// Whose.
        member: MemberId,
        /// Money that he knows he leaves behind.
        leave: Money,
    },
    /// Gives the installation another profile: what may begin from now on (rules 11).
    AdoptProfile {
        /// Which.
        profile: Box<Profile>,
    },
    /// Asks for available money (rules 9.3). The same identity again gives the same withdrawal, for ever. The caller has
    /// seen that the account is the member's own and verified.
    Withdraw {
        /// Who.
        member: MemberId,
        /// The withdrawal's identity.
        token: [u8; 16],
        /// How much, the fee included.
        amount: Money,
        /// Whereto: an opaque name for a row of the directory.
        account: [u8; 16],
    },
    /// Has the withdrawal paid.
    ApproveWithdrawal {
        /// Which.
        withdrawal: WithdrawalId,
    },
    /// Gives its money back.
    RejectWithdrawal {
        /// Which.
        withdrawal: WithdrawalId,
    },
    /// What the channel says of a withdrawal's payout.
    NotePayout {
        /// Which.
        withdrawal: WithdrawalId,
        /// Its words.
        outcome: PayoutOutcome,
    },
    /// Takes a reward back that was available already (rules 9.6).
    ClawBack {
        /// Of whom.
        member: MemberId,
        /// How much: at most what he ever got.
        amount: Money,
        /// The group it is about, for the explanation.
        group: Option<GroupId>,
    },
    /// Something of merchants and their stores.
    Alliance(AllianceCommand),
    /// Something of the shop.
    Shop(ShopCommand),
    /// Something of bought coins.
    Recharge(RechargeCommand),
    /// Something of a circle that takes turns.
    Circle(CircleCommand),
    /// Something of a treat's tables.
    Table(TableCommand),
    /// Something of ballots (rules 4).
    Ballot(BallotCommand),
    /// Something of who is who (rules 11).
    Identity(IdentityCommand),
    /// Something of where a member has things sent (rules 3.4).
    Delivery(DeliveryCommand),
}

impl Command {
    /// What it touches, as far as the command alone tells it.
    pub(crate) fn touched(&self) -> Option<Due> {
        match self {
            Command::JoinGroup { group, .. }
            | Command::LeaveGroup { group, .. }
            | Command::JoinPaid { group, .. }
            | Command::CancelGroup { group }
            | Command::SettleGroup { group, .. }
            | Command::VoidGroup { group } => Some(Due::Group(*group)),
            Command::AcceptPayment { payment, .. } => Some(Due::Group(payment.group)),
            Command::Ballot(command) => Some(Due::Group(command.group())),
            Command::Shop(command) => command.touched(),
            Command::Recharge(RechargeCommand::Refund { recharge, .. }) => {
                Some(Due::Recharge(*recharge))
            }
            Command::ShipOrder { order }
            | Command::ReceiveOrder { order, .. }
            | Command::ReturnOrder { order, .. }
            | Command::TakeBackOrder { order } => Some(Due::Order(*order)),
            Command::Tick(due) => Some(*due),
            Command::RegisterMember { .. }
            | Command::PublishCampaign { .. }
            | Command::DepositCapital { .. }
            | Command::PayTax { .. }
            | Command::PaySuppliers { .. }
            | Command::OpenGroup { .. }
            | Command::BouncePayment { .. }
            | Command::ConfirmRefund { .. }
            | Command::PublishPlan { .. }
            | Command::SetRank { .. }
            | Command::DeclareRegion { .. }
            | Command::AppointAgent { .. }
            | Command::DismissAgent { .. }
            | Command::SetLimits { .. }
            | Command::ExcludeSelf { .. }
            | Command::DeleteAccount { .. }
            | Command::FreezeMember { .. }
            | Command::UnfreezeMember { .. }
            | Command::AdoptProfile { .. }
            | Command::Withdraw { .. }
            | Command::ApproveWithdrawal { .. }
            | Command::RejectWithdrawal { .. }
            | Command::NotePayout { .. }
            | Command::ClawBack { .. }
            | Command::Circle(_)
            | Command::Identity(_)
            | Command::Delivery(_)
            | Command::NoteLateRound { .. }
            | Command::Table(_) => None,
            Command::Alliance(command) => command.touched(),
        }
    }

    /// In whose name it acts, if in a member's.
    pub(crate) fn acting_member(&self) -> Option<MemberId> {
        match self {
            Command::OpenGroup { member, .. }
            | Command::JoinGroup { member, .. }
            | Command::LeaveGroup { member, .. }
            | Command::ReceiveOrder { member, .. }
            | Command::ReturnOrder { member, .. }
            | Command::DeclareRegion { member, .. }
            | Command::Withdraw { member, .. }
            | Command::SetLimits { member, .. }
            | Command::ExcludeSelf { member, .. }
            | Command::DeleteAccount { member, .. } => Some(*member),
            Command::Shop(command) => command.member(),
            Command::Recharge(RechargeCommand::Refund { member, .. }) => Some(*member),
            Command::Circle(command) => Some(command.member()),
            Command::Delivery(command) => Some(command.member()),
            Command::Table(command) => command.member(),
            Command::Ballot(command) => Some(command.member()),
            // These come from the channel or a gateway, never from a member himself.
            Command::AcceptPayment { .. }
            | Command::JoinPaid { .. }
            | Command::BouncePayment { .. }
            | Command::RegisterMember { .. }
            | Command::PublishCampaign { .. }
            | Command::DepositCapital { .. }
            | Command::PayTax { .. }
            | Command::PaySuppliers { .. }
            | Command::Identity(_)
            | Command::CancelGroup { .. }
            | Command::SettleGroup { .. }
            | Command::VoidGroup { .. }
            | Command::NoteLateRound { .. }
            | Command::ConfirmRefund { .. }
            | Command::ShipOrder { .. }
            | Command::TakeBackOrder { .. }
            | Command::Tick(_)
            | Command::PublishPlan { .. }
            | Command::SetRank { .. }
            | Command::AppointAgent { .. }
            | Command::DismissAgent { .. }
            | Command::FreezeMember { .. }
            | Command::UnfreezeMember { .. }
            | Command::AdoptProfile { .. }
            | Command::ApproveWithdrawal { .. }
            | Command::RejectWithdrawal { .. }
            | Command::NotePayout { .. }
            | Command::ClawBack { .. } => None,
            Command::Alliance(command) => command.member(),
        }
    }
}

/// What has something due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(flat)]
pub enum Due {
    /// A reservation lapses or a group expires.
    #[n(0)]
    Group(#[n(0)] GroupId),
    /// An order counts as received or as back, or its return window closes.
    #[n(1)]
    Order(#[n(0)] OrderId),
    /// Ranks are counted.
    #[n(9)]
    Day,
    /// A plan's dividend pool closes, or is being paid out.
    #[n(28)]
    Dividends(#[n(0)] u32),
    /// Coins expire.
    #[n(10)]
    Coins,
    /// A purchase lapses, counts as received, kept or back.
    #[n(50)]
    Purchase(#[n(0)] PurchaseId),
    /// Unpaid purchases of one thing lapse.
    #[n(51)]
    Sku(#[n(0)] SkuId),
    /// The gift of a recharge.
    #[n(52)]
    Recharge(#[n(0)] PurchaseId),
    /// A period of merchants' statements is over.
    #[n(46)]
    Statements,
    /// A bill that waits at a counter lapses.
    #[n(54)]
    Counter(#[n(0)] CounterId),
}

/// A timer: when, and what to apply then.
pub type Timer = (Millis, Due);
