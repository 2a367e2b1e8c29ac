//! A statement as a page for printing, in both languages. Plain HTML: it is read on paper, and by whoever keeps the books.

use domain::Millis;
use views::MerchantLine;

use crate::wire::{Amount, StatementAccount, StatementLine};

/// What Shanghai is ahead of UTC.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

const STYLE: &str = "body{font-family:sans-serif;margin:2em;max-width:60em}table{border-collapse:collapse;width:100%;margin:1em 0}\
    td,th{border-bottom:1px solid #999;padding:.2em .5em;text-align:left}.n{text-align:right;font-variant-numeric:tabular-nums}";

/// What stands on the page.
pub(crate) struct Page<'a> {
    /// The merchant's name.
    pub(crate) merchant: String,
    /// The statement.
    pub(crate) line: StatementLine,
    /// Its accounts.
    pub(crate) accounts: Vec<StatementAccount>,
    /// Its first lines, each with its amount as it is shown.
    pub(crate) lines: Vec<(&'a MerchantLine, Amount)>,
}

/// A day of Shanghai, such as `2026-11-01`.
pub(crate) fn day(at: Millis) -> String {
    let text = crate::wire::rfc3339(Millis(at.0.saturating_add(SHANGHAI_MS)));
    text.chars().take(10).collect()
}

/// A moment in Shanghai's time, to the minute.
fn minute(at: Millis) -> String {
    let text = crate::wire::rfc3339(Millis(at.0.saturating_add(SHANGHAI_MS)));
    let text: String = text.chars().take(16).collect();
    text.replace('T', " ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn account(name: &str) -> String {
    let words = match name {
        "merchant-vesting" => "待结算 Waiting for return windows",
        "merchant-payable" => "应付 Payable",
        "merchant-owes" => "欠平台 Owed to the platform",
        "merchant-stated" => "已出账待付 In statements, not paid yet",
        other => other,
    };
    words.to_owned()
}

fn event(name: &str) -> String {
    let words = match name {
        "contract_signed" => "入驻费 Entry fee",
        "group_sold" => "成团销售 Sales of a group",
        "sale_reversed" => "退货 Returns",
        "sale_vested" => "退货期满 Return windows closed",
        "counter_paid" => "到店付款 Bills at counters",
        "counter_reversed" => "到店撤销 Bills taken back",
        "origin_shared" => "锁客分成 Home stores' shares",
        "origin_reversed" => "锁客分成退回 Shares of returns",
        "origin_vested" => "锁客分成到期 Shares, windows closed",
        "statement_withdrawn" => "撤回的对账单 Statements withdrawn",
        "counter_shares_vested" => "锁客分成（门店收款） Shares of bills whose cash stores took",
        "purchase_shared" => "锁客分成（商城） Shares of purchases",
        "statement_drafted" => "出账 Drawn up in a statement",
        "merchant_paid" => "商户已付 Paid by the merchant",
        "statement_paid" => "已付款 Statements paid",
        other => other,
    };
    words.to_owned()
}

fn state(name: &str) -> &str {
    match name {
        "draft" => "待确认 draft",
        "confirmed" => "已确认 confirmed",
        "paid" => "已付款 paid",
        other => other,
    }
}

fn row(cells: &[(&str, bool)]) -> String {
    let cell = |(text, is_number): &(&str, bool)| {
        let class = if *is_number { " class=\"n\"" } else { "" };
        format!("<td{class}>{}</td>", escaped(text))
    };
    let cells: String = cells.iter().map(cell).collect();
    format!("<tr>{cells}</tr>\n")
}

impl Page<'_> {
    pub(crate) fn html(&self) -> String {
        let line = &self.line;
        let title = format!("对账单 Statement {}-{}", line.merchant, line.number);
        format!(
            "<!doctype html>\n<html lang=\"zh\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n\
            <body><h1>{title}</h1>\n<p>{}</p>\n<table>{}</table>\n<h2>账户 Accounts</h2>\n<table>{}</table>\n\
            <h2>明细 Lines</h2>\n<table>{}</table>\n{}</body></html>\n",
            escaped(&self.merchant),
            self.head(),
            self.sums(),
            self.details(),
            self.rest(),
        )
    }

    fn head(&self) -> String {
        let line = &self.line;
        let text = |amount: Amount| String::from(amount);
        let from = line.from.map_or_else(|| "—".to_owned(), |at| minute(at.0));
        let mut rows = vec![
            ("期间 Period", format!("{from} – {}", minute(line.until.0))),
            ("状态 State", state(line.state).to_owned()),
            ("应付 Payable", text(line.payable)),
            ("抵扣欠款 Set off", text(line.set_off)),
            ("本期支付 To be paid", text(line.amount)),
            ("结转欠款 Carried over", text(line.carried)),
        ];
        if let Some(paid) = &line.paid {
            let told = format!("{} {}", paid.on, paid.reference);
            rows.push(("银行转账 Bank transfer", told));
        }
        let rows = rows
            .iter()
            .map(|(name, text)| row(&[(name, false), (text, true)]));
        rows.collect()
    }

    /// Each account's lines by kind: what stood there before and all of them give what stands there after.
    fn sums(&self) -> String {
        let mut rows = String::new();
        for sum in &self.accounts {
            let name = account(sum.account);
            let opening = String::from(sum.opening);
            rows.push_str(&row(&[
                (&name, false),
                ("期初 Opening", false),
                ("", true),
                (&opening, true),
            ]));
            for line in &sum.lines {
                let (count, amount) = (line.count.to_string(), String::from(line.amount));
                rows.push_str(&row(&[
                    ("", false),
                    (&event(line.event), false),
                    (&count, true),
                    (&amount, true),
                ]));
            }
            let closing = String::from(sum.closing);
            rows.push_str(&row(&[
                ("", false),
                ("期末 Closing", false),
                ("", true),
                (&closing, true),
            ]));
        }
        rows
    }

    fn details(&self) -> String {
        let one = |(line, amount): &(&MerchantLine, Amount)| {
            let about = [
                line.group.map(|group| format!("团 group {group}")),
                line.order.map(|order| format!("订单 order {order}")),
                line.counter
                    .map(|counter| format!("到店 counter {counter}")),
            ];
            let about: Vec<String> = about.into_iter().flatten().collect();
            row(&[
                (&minute(line.at), false),
                (&format!("{}-{}", line.seq, line.line_no), true),
                (&account(line.account.name()), false),
                (&event(line.event), false),
                (&about.join(" "), false),
                (&String::from(*amount), true),
            ])
        };
        self.lines.iter().map(one).collect()
    }

    /// Says so where not all lines fit.
    fn rest(&self) -> String {
        let counts = self.accounts.iter().flat_map(|sum| &sum.lines);
        let all = counts.fold(0u64, |all, line| all.saturating_add(line.count));
        let shown = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        if all <= shown {
            return String::new();
        }
        format!(
            "<p>共 {all} 行，此处为前 {shown} 行；全部明细见 CSV 文件。{all} lines, of which {shown} are shown; the CSV file has all.</p>\n"
        )
    }
}
