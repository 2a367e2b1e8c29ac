//! The files of draws, byte for byte as members and auditors will hash them.

use std::sync::Arc;

use domain::{
    CampaignId, Closing, FilledSeat, GroupId, GroupSettled, GroupState, MemberId, PaymentId,
    PublishedCampaign,
};
use draw::{BeaconKind, Freeze, Open, ResultFile, SeatLine, Seats, Void};

use super::batch::{Batch, Done};
use super::kept::Change;
use super::tables::Draw;
use crate::db::Value;
use crate::error::ProjectError;
use crate::names::{DrawFile, DrawStatus, Word};

impl Batch {
    /// The rules, before the first seat is sold. Where everyone buys there is no draw, and no file of one.
    pub(super) fn draw_opened(&mut self, group: GroupId, campaign: &PublishedCampaign) -> Done {
        let bytes = self.open_of(group, campaign)?.to_bytes();
        let is_drawn = campaign.terms.is_drawn();
        let draw = Draw {
            state: if is_drawn {
                DrawStatus::Open
            } else {
                DrawStatus::None
            },
            open: draw::hash(&bytes),
            seats: None,
            freeze: None,
            result: None,
            void: None,
            frozen_at: None,
            round: None,
            round_time: None,
            signature: None,
            seed: None,
            winners: None,
            late_at: None,
        };
        self.rows.draws.put(group.0, draw);
        if is_drawn {
            self.file(group, DrawFile::Open, bytes);
        }
        Ok(())
    }

    /// The seat list and its seal, made from the stored tags. If the seal is not the event's, nothing is stored.
    pub(super) fn group_filled(
        &mut self,
        id: GroupId,
        filled: &[FilledSeat],
        (frozen_at, round): (u64, u64),
        frozen: [u8; 32],
    ) -> Done {
        let at = self.at;
        let group = self.group(id, Change::ANY)?;
        group.state = GroupState::Full;
        group.filled_at = Some(at);
        let (campaign, leader) = (group.campaign, group.leader);
        let campaign = self.campaign(campaign)?;
        let mut lines = Vec::with_capacity(filled.len());
        for (number, place) in (0u32..).zip(filled) {
            let payment = PaymentId {
                group: id,
                index: place.index,
            };
            let (member, tag) = self.numbered(payment, number)?;
            lines.push(SeatLine {
                tag: draw::Hash(tag),
                leader: member == leader,
                tier: 0,
            });
        }
        if !campaign.terms.is_drawn() {
            return Ok(());
        }
        if let Some(turn) = self.turn_of(id) {
            for (line, &tier) in lines.iter_mut().zip(&turn.tiers) {
                line.tier = tier;
            }
        }
        let seats = Seats(lines);
        let freeze = self.freeze(id, &campaign, &seats, frozen_at)?;
        let (seats_bytes, freeze_bytes) = (seats.to_bytes(), freeze.to_bytes());
        let (found, frozen) = (draw::hash(&freeze_bytes), draw::Hash(frozen));
        if found != frozen || freeze.round != round {
            tracing::error!(group = id.0, seq = self.seq, %found, %frozen,
                "group {id}: the freeze made from the stored seats is not the one in the journal");
            return Err(ProjectError::FreezeDiffers {
                seq: self.seq,
                group: id,
                frozen,
                found,
            });
        }
        let round_time = campaign.terms.draw.source.timing().round_time(round).ok();
        let draw = self.draw_state(id, DrawStatus::Waiting)?;
        draw.seats = Some(freeze.seats);
        draw.freeze = Some(found);
        draw.frozen_at = Some(frozen_at);
        draw.round = Some(round);
        draw.round_time = round_time;
        self.file(id, DrawFile::Seats, seats_bytes);
        self.file(id, DrawFile::Freeze, freeze_bytes);
        Ok(())
    }

    /// Gives a seat its number in the draw; answers whose it is, and his tag.
    fn numbered(
        &mut self,
        payment: PaymentId,
        number: u32,
    ) -> Result<(MemberId, [u8; 32]), ProjectError> {
        if let Some(known) = self.rows.tags.get(&payment)
            && !self.rows.seats.has(payment)
        {
            let (group, index) = (payment.group.0.into(), payment.index.into());
            let row: [Value; 3] = [group, index, number.into()];
            self.rows.new_numbers.extend(row);
            return Ok(*known);
        }
        let seat = self.seat(payment, Change::NUMBERED)?;
        seat.seat_no = Some(number);
        let (member, tag) = (seat.member, seat.tag);
        let tag = tag.ok_or_else(|| {
            self.unfit(format!(
                "reservation {payment} is in a full group and was not paid"
            ))
        })?;
        Ok((member, tag))
    }

    fn freeze(
        &self,
        id: GroupId,
        campaign: &Arc<PublishedCampaign>,
        seats: &Seats,
        frozen_at: u64,
    ) -> Result<Freeze, ProjectError> {
        let open = self.open_of(id, campaign)?;
        let timing = campaign.terms.draw.source.timing();
        let prev = self.turn_of(id).and_then(|turn| turn.prev);
        draw::freeze_for(&open, seats, frozen_at, prev, timing)
            .map_err(|error| self.unfit(format!("group {id} cannot be frozen: {error}")))
    }

    /// The receipt.
    pub(super) fn draw_settled(&mut self, settled: &GroupSettled, campaign: CampaignId) -> Done {
        let published = self.campaign(campaign)?;
        if !published.terms.is_drawn() {
            return Ok(());
        }
        let drawn = published.terms.drawn_of(&settled.winners).to_vec();
        let receipt = (settled.signature, settled.seed, drawn);
        self.draw_made(settled.group, campaign, receipt)
    }

    /// The same by signature, seed and the seats that were drawn.
    pub(super) fn draw_made(
        &mut self,
        group: GroupId,
        campaign: CampaignId,
        (signature, seed, winners): ([u8; 48], [u8; 32], Vec<u32>),
    ) -> Done {
        let campaign = self.campaign(campaign)?;
        let source = match campaign.terms.draw.source {
            domain::BeaconSource::DrandQuicknet => BeaconKind::DrandQuicknet,
            domain::BeaconSource::Local { .. } => BeaconKind::Local,
        };
        let frozen = self.draw_state(group, DrawStatus::Drawn)?.freeze;
        let freeze = frozen
            .ok_or_else(|| self.unfit(format!("group {group} is drawn and was not frozen")))?;
        let draw = self.draw(group)?;
        let file = ResultFile {
            freeze,
            source,
            signature,
            seed: draw::Hash(seed),
            winners,
        };
        let bytes = file.to_bytes();
        draw.result = Some(draw::hash(&bytes));
        draw.signature = Some(signature);
        draw.seed = Some(file.seed);
        draw.winners = Some(file.winners);
        self.file(group, DrawFile::Result, bytes);
        Ok(())
    }

    /// Why there is no draw: of the freeze where there is one, else of the rules.
    pub(super) fn draw_voided(&mut self, group: GroupId, why: Closing) -> Done {
        let at = self.at.unix_seconds();
        if self.draw(group)?.state == DrawStatus::None {
            return Ok(());
        }
        let draw = self.draw_state(group, DrawStatus::Void)?;
        let reason = why.void_reason();
        let of = draw.freeze.unwrap_or(draw.open);
        let bytes = Void { of, reason, at }.to_bytes();
        draw.void = Some(draw::hash(&bytes));
        self.file(group, DrawFile::Void, bytes);
        Ok(())
    }

    /// The value came after the void, which stands.
    pub(super) fn round_late(&mut self, group: GroupId, signature: [u8; 48]) -> Done {
        let at = self.at;
        let draw = self.draw_state(group, DrawStatus::Void)?;
        draw.signature = Some(signature);
        draw.late_at = Some(at);
        Ok(())
    }

    fn open_of(&self, group: GroupId, campaign: &PublishedCampaign) -> Result<Open, ProjectError> {
        let circle = self.turn_of(group).map(|turn| turn.name.clone());
        domain::open_file_in(campaign, group, circle)
            .map_err(|error| self.unfit(format!("group {group} has no open file: {error}")))
    }

    fn file(&mut self, group: GroupId, file: DrawFile, bytes: Vec<u8>) {
        let row = [
            Value::from(group.0),
            Value::from(file.word()),
            Value::from(bytes),
        ];
        self.rows.new_draw_files.extend(row);
    }
}
