//! What never changes of a group, kept so that not every join asks the writer for it.
//!
//! A group's campaign never changes, nor do the campaign's terms, and numbers are never used again. So what was once
//! read stays true. Bounded: a full table is emptied.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{GroupId, Kind, Money, World};

use crate::app::App;
use crate::http::Result;

/// Most groups that are kept, at about 200 bytes.
const MOST_GROUPS: usize = 100_000;

/// What never changes of a group.
#[derive(Clone, Debug)]
pub(crate) struct GroupTerms {
    /// Of the published campaign.
    pub(crate) hash: draw::Hash,
    /// What members' tags in its draw are made of.
    pub(crate) ident: draw::Ident,
    pub(crate) price: Money,
    /// Places are registered for, and nothing is paid before the draw.
    pub(crate) is_ballot: bool,
    /// Of the product, in Chinese.
    pub(crate) title: Arc<str>,
}

/// The terms of groups that were asked about.
#[derive(Default)]
pub(crate) struct Groups(Mutex<HashMap<GroupId, GroupTerms>>);

impl GroupTerms {
    /// Asks the world.
    pub(crate) fn of(world: &World, group: GroupId) -> Option<GroupTerms> {
        let campaign = world.campaign_of(group)?;
        Some(GroupTerms {
            hash: campaign.hash,
            ident: world.tag_ident(group)?.ok()?,
            price: campaign.terms.group.price,
            is_ballot: campaign.terms.kind == Kind::Ballot,
            title: campaign.terms.product.title.zh.as_str().into(),
        })
    }
}

impl Groups {
    /// The terms of these groups; those that there are not are left out.
    pub(crate) async fn of(
        &self,
        app: &App,
        wanted: BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, GroupTerms>> {
        let mut found = BTreeMap::new();
        let mut unknown = Vec::new();
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for group in wanted {
                match known.get(&group) {
                    Some(terms) => drop(found.insert(group, terms.clone())),
                    None => unknown.push(group),
                }
            }
        }
        if unknown.is_empty() {
            return Ok(found);
        }
        let read: Vec<(GroupId, GroupTerms)> = app
            .query(move |world| {
                let terms = |group| Some((group, GroupTerms::of(world, group)?));
                unknown.into_iter().filter_map(terms).collect()
            })
            .await?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST_GROUPS < known.len().saturating_add(read.len()) {
            known.clear();
        }
        known.extend(read.iter().cloned());
        found.extend(read);
        Ok(found)
    }

    /// The terms of one group.
    pub(crate) async fn one(&self, app: &App, group: GroupId) -> Result<Option<GroupTerms>> {
        Ok(self.of(app, BTreeSet::from([group])).await?.remove(&group))
    }
}
