//! Promises that no text of a campaign may make (rules 11): that everybody earns, or that nobody can lose.
//!
//! Why a list and no judgement: it catches what the law's own examples name, and tells the operator which words. Whoever
//! wants to deceive finds others; members read the odds and the sums beside every text.

/// Each as it is compared: without spaces and signs, small letters.
const PROMISES: [&str; 16] = [
    "稳赚",
    "躺赚",
    "参与即赚",
    "保本",
    "包赚",
    "必赚",
    "只赚不赔",
    "零风险",
    "无风险",
    "静态收益",
    "动态收益",
    "guaranteedprofit",
    "guaranteedreturn",
    "guaranteedincome",
    "riskfree",
    "cannotlose",
];

/// The first promise in a text, however it is spaced or set.
pub fn found_in(text: &str) -> Option<&'static str> {
    let plain: String = text
        .chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    PROMISES.into_iter().find(|promise| plain.contains(promise))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_found_however_they_are_set() {
        for (text, found) in [
            ("抽一份茶", None),
            ("稳赚不赔", Some("稳赚")),
            ("稳 赚", Some("稳赚")),
            ("稳-·赚！", Some("稳赚")),
            ("参与即赚", Some("参与即赚")),
            ("躺\u{200b}赚", Some("躺赚")),
            ("Risk-free tea", Some("riskfree")),
            ("GUARANTEED  Profit", Some("guaranteedprofit")),
            ("Guaranteed tea", None),
            ("保温杯，本店", None),
        ] {
            assert_eq!(found_in(text), found, "{text}");
        }
    }
}
