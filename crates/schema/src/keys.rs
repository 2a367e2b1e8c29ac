//! Every key of rules 13, and which one a mistyped key was probably meant to be.

/// Keys of the file itself.
pub(crate) const ROOT: &[&str] = &[
    "name", "kind", "profile", "plan", "product", "prize", "group", "draw", "channel", "merchant",
    "alliance", "caps", "envelope", "reward",
];
/// Keys of a text.
pub(crate) const TEXT: &[&str] = &["zh", "en"];
/// Keys of `[product]`.
pub(crate) const PRODUCT: &[&str] = &["title", "cost", "fulfilment"];
/// Keys of `[prize]`.
pub(crate) const PRIZE: &[&str] = &["title", "cost"];
/// Keys of `[group]`.
pub(crate) const GROUP: &[&str] = &[
    "price",
    "price_from",
    "seats",
    "seats_from",
    "winners",
    "win_rate",
    "chance",
    "leader",
    "circle",
    "fill_within",
    "payment_window",
    "seats_per_member",
    "entries_per_day",
];
/// Keys of `group.chance`.
pub(crate) const CHANCE: &[&str] = &["p", "min", "max"];
/// Keys of `[draw]`.
pub(crate) const DRAW: &[&str] = &["source", "delay"];
/// Keys of `[channel]`.
pub(crate) const CHANNEL: &[&str] = &["fee", "kept_on_refund"];
/// Keys of `[merchant]`.
pub(crate) const MERCHANT: &[&str] = &["commission"];
/// Keys of `[alliance]`.
pub(crate) const ALLIANCE: &[&str] = &["origin_share"];
/// Keys of `[envelope]`.
pub(crate) const ENVELOPE: &[&str] = &["leftover"];
/// Keys that every program takes.
pub(crate) const ANY_PROGRAM: &[&str] = &["program", "cap", "share"];
/// Keys of a counter file.
pub(crate) const COUNTER_ROOT: &[&str] = &["name", "kind", "profile", "counter", "package"];
/// Keys of its `[counter]`.
pub(crate) const COUNTER: &[&str] = &["bill", "bills", "coins", "settlement", "cash"];
/// Keys of its `[package]`.
pub(crate) const PACKAGE: &[&str] = &["price", "coins"];
/// Keys of a profile file.
pub(crate) const PROFILE: &[&str] = &[
    "name",
    "signed_by",
    "opinion_sha256",
    "expires",
    "campaigns",
    "kinds",
    "programs",
    "leader_rules",
    "max_generations",
    "sources",
    "vip_by",
    "rewards_cap",
    "minimum_age",
    "real_name",
    "retention_years",
    "disclosures",
    "prize_cap",
    "consolation",
    "return_reserve",
    "coin_reserve",
    "margin_floor",
    "coins",
    "recharge",
    "limits",
    "withdrawal",
    "withholding",
];
/// Keys of a profile that nobody signs.
pub(crate) const PROFILE_LIMITS_ALONE: &[&str] = &[
    "name",
    "kinds",
    "programs",
    "leader_rules",
    "max_generations",
    "sources",
    "vip_by",
    "rewards_cap",
    "minimum_age",
    "real_name",
    "retention_years",
    "disclosures",
    "prize_cap",
    "consolation",
    "return_reserve",
    "coin_reserve",
    "margin_floor",
    "coins",
    "recharge",
    "limits",
    "withdrawal",
    "withholding",
];
/// Keys of a profile's `[coins]`.
pub(crate) const PROFILE_COINS: &[&str] = &["offset", "months"];
/// Keys of a profile's `[recharge]`.
pub(crate) const PROFILE_RECHARGE: &[&str] = &["cap"];
/// Keys of a profile's `[limits]`.
pub(crate) const PROFILE_LIMITS: &[&str] =
    &["money_in_groups", "entries_per_day", "losses", "pause"];
/// Keys of a profile's `[withdrawal]`.
pub(crate) const PROFILE_WITHDRAWAL: &[&str] = &["minimum", "fee", "daily_limit"];
/// Keys of a profile's `[withholding]`.
pub(crate) const PROFILE_WITHHOLDING: &[&str] = &["occasional", "borne_by"];
/// Tables with fixed keys, for finding the home of a key that stands in the wrong one.
const HOMES: &[(&str, &[&str])] = &[
    ("group", GROUP),
    ("draw", DRAW),
    ("channel", CHANNEL),
    ("merchant", MERCHANT),
    ("alliance", ALLIANCE),
    ("envelope", ENVELOPE),
    ("product", PRODUCT),
    ("", ROOT),
];

/// Full path of the known key nearest to `key` in the table at `path`, whose keys are `here`: the same key in another
/// table, else whatever is least unlike in this one.
pub(crate) fn nearest(path: &str, key: &str, here: &[&str]) -> String {
    if let Some((table, _)) = HOMES.iter().find(|(_, keys)| keys.contains(&key)) {
        return join(table, key);
    }
    let unlike = |known: &str| strsim::damerau_levenshtein(&key.to_lowercase(), known);
    let closest = here.iter().min_by_key(|known| unlike(known));
    join(path, closest.copied().unwrap_or_default())
}

/// The key's full path in the table at `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_known_key() {
        for (path, key, here, meant) in [
            ("group", "sseats", GROUP, "group.seats"),
            ("group", "Price", GROUP, "group.price"),
            ("group", "fill_in", GROUP, "group.fill_within"),
            ("", "seats", ROOT, "group.seats"),
            ("", "rewards", ROOT, "reward"),
            ("", "fee", ROOT, "channel.fee"),
            ("group", "cost", GROUP, "product.cost"),
            ("reward[1]", "cahs", &["cash", "coins"], "reward[1].cash"),
            ("reward[1]", "zzzzzz", &["cash", "coins"], "reward[1].cash"),
        ] {
            assert_eq!(nearest(path, key, here), meant, "{path} {key}");
        }
    }
}
