//! The payment page: what a payer's phone shows, and its button.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::error::RefusalCode;
use crate::http::now_ms;
use crate::sandbox::api::{App, Failure, pay_terms};
use crate::sandbox::book::Stop;
use crate::sandbox::ledger::{self, OrderRow};
use crate::sign::random_hex;
use crate::wire::OrderStatus;

/// Which language the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct Lang {
    lang: Option<String>,
}

/// `GET /pay/{token}`.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    Query(lang): Query<Lang>,
    headers: HeaderMap,
) -> Response {
    let words = Words::pick(&lang, &headers);
    let found = app
        .book
        .run(move |book| ledger::get_order_of_page(book, &token))
        .await;
    match found {
        Ok(order) => order_page(&order, words),
        Err(Stop::Refused(refusal)) if refusal.code == RefusalCode::NotFound => {
            let page = message_page(words, Sign::Neutral, words.unknown, "");
            (StatusCode::NOT_FOUND, page).into_response()
        }
        Err(stop) => Failure::from(stop).into_response(),
    }
}

/// `POST /pay/{token}`: pays, then sends the browser back to the merchant.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Path(token): Path<String>,
    Query(lang): Query<Lang>,
    headers: HeaderMap,
) -> Response {
    let words = Words::pick(&lang, &headers);
    let page = format!("/pay/{token}?lang={}", words.code);
    let paid = async {
        let order = app
            .book
            .run(move |book| ledger::get_order_of_page(book, &token))
            .await?;
        let terms = pay_terms(&app, &order.order_no);
        let return_url = order.return_url.clone();
        // The order is read again: it may have been paid or closed since.
        app.book
            .run(move |book| {
                let order = ledger::get_order(book, &order.merchant_id, &order.order_no)?;
                ledger::pay(book, &order, &terms, now_ms())
            })
            .await?;
        Ok(return_url)
    };
    match paid.await {
        Ok(return_url) => {
            app.callbacks_due.notify_one();
            Redirect::to(return_url.as_deref().unwrap_or(&page)).into_response()
        }
        // The page says why.
        Err(Stop::Refused(_)) => Redirect::to(&page).into_response(),
        Err(stop) => Failure::from(stop).into_response(),
    }
}

/// The page's texts in one language.
#[derive(Debug)]
struct Words {
    code: &'static str,
    other: &'static str,
    other_name: &'static str,
    title: &'static str,
    sandbox: &'static str,
    no_real_money: &'static str,
    product: &'static str,
    order: &'static str,
    merchant: &'static str,
    confirm: &'static str,
    cancel: &'static str,
    back: &'static str,
    paid: &'static str,
    closed: &'static str,
    expired: &'static str,
    unknown: &'static str,
}

static ZH: Words = Words {
    code: "zh",
    other: "en",
    other_name: "English",
    title: "收银台",
    sandbox: "沙盒",
    no_real_money: "模拟支付，不会产生真实扣款",
    product: "商品",
    order: "订单号",
    merchant: "收款商户",
    confirm: "确认支付",
    cancel: "取消",
    back: "返回商家",
    paid: "支付成功",
    closed: "订单已关闭",
    expired: "订单已过期",
    unknown: "没有这个订单",
};

static EN: Words = Words {
    code: "en",
    other: "zh",
    other_name: "中文",
    title: "Checkout",
    sandbox: "Sandbox",
    no_real_money: "A simulated payment: no real money moves",
    product: "Product",
    order: "Order",
    merchant: "Pay to",
    confirm: "Pay now",
    cancel: "Cancel",
    back: "Back to the shop",
    paid: "Paid",
    closed: "This order was closed",
    expired: "This order has expired",
    unknown: "There is no such order",
};

impl Words {
    /// `?lang=` first, then the browser's first known language, then Chinese.
    fn pick(lang: &Lang, headers: &HeaderMap) -> &'static Words {
        let accepted = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let wishes = lang
            .lang
            .as_deref()
            .into_iter()
            .chain(accepted.unwrap_or("").split(','));
        let known = wishes.filter_map(|wish| match wish.trim().get(..2) {
            Some("zh") => Some(&ZH),
            Some("en") => Some(&EN),
            Some(_) | None => None,
        });
        known.into_iter().next().unwrap_or(&ZH)
    }
}

fn order_page(order: &OrderRow, words: &'static Words) -> Response {
    let return_url = order.return_url.as_deref();
    let back = back_link(return_url, words);
    let page = match order.status(now_ms()) {
        OrderStatus::Open => open_page(order, words),
        OrderStatus::Paid => message_page(
            words,
            Sign::Good,
            words.paid,
            &(amount(order.amount_fen) + &back),
        ),
        OrderStatus::Closed => message_page(words, Sign::Neutral, words.closed, &back),
        OrderStatus::Expired => message_page(words, Sign::Neutral, words.expired, &back),
    };
    page.with_redirects_to(return_url).into_response()
}

fn open_page(order: &OrderRow, words: &'static Words) -> Page {
    let cancel = match &order.return_url {
        Some(url) => format!(
            "<a class=\"quiet\" href=\"{}\">{}</a>",
            escape(url),
            words.cancel
        ),
        None => String::new(),
    };
    let main = format!(
        "<p class=\"payee\">{merchant_word} {merchant}</p>{amount}\
         <dl><div><dt>{product_word}</dt><dd>{product}</dd></div>\
         <div><dt>{order_word}</dt><dd class=\"mono\">{order_no}</dd></div></dl>\
         <form method=\"post\" action=\"/pay/{token}?lang={lang}\">\
         <button type=\"submit\" id=\"pay\">{confirm} ¥{yuan}</button></form>{cancel}",
        merchant_word = words.merchant,
        merchant = escape(&order.merchant_id),
        amount = amount(order.amount_fen),
        product_word = words.product,
        product = escape(&order.description),
        order_word = words.order,
        order_no = escape(&order.order_no),
        token = order.token,
        lang = words.code,
        confirm = words.confirm,
        yuan = yuan(order.amount_fen),
    );
    Page::new(words, &main)
}

/// What stands above a message.
#[derive(Clone, Copy)]
enum Sign {
    Good,
    Neutral,
}

fn message_page(words: &'static Words, sign: Sign, message: &str, more: &str) -> Page {
    let (class, sign) = match sign {
        Sign::Good => ("sign", "✓"),
        Sign::Neutral => ("sign neutral", "–"),
    };
    let main =
        format!("<p class=\"{class}\" aria-hidden=\"true\">{sign}</p><h1>{message}</h1>{more}");
    Page::new(words, &main)
}

/// Large; less so where a phone's width would break it.
fn amount(fen: i64) -> String {
    let yuan = yuan(fen);
    let class = if yuan.len() <= 10 {
        "amount"
    } else {
        "amount long"
    };
    format!("<p class=\"{class}\"><small>¥</small>{yuan}</p>")
}

fn back_link(return_url: Option<&str>, words: &Words) -> String {
    match return_url {
        Some(url) => format!(
            "<a class=\"button\" href=\"{}\">{}</a>",
            escape(url),
            words.back
        ),
        None => String::new(),
    }
}

/// A whole page with its headers. Nothing is loaded, nothing runs, nobody frames it.
struct Page {
    html: String,
    style_nonce: String,
    /// Where the form's answer may lead the browser beside this provider.
    leads_to: String,
}

impl Page {
    fn new(words: &'static Words, main: &str) -> Page {
        let style_nonce = random_hex();
        let Words {
            code,
            other,
            other_name,
            title,
            sandbox,
            no_real_money,
            ..
        } = words;
        let html = format!(
            "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <meta name=\"color-scheme\" content=\"light dark\">\
             <title>{title} · {sandbox}</title><style nonce=\"{style_nonce}\">{STYLE}</style></head>\
             <body><header><b>{title}</b><a href=\"?lang={other}\" lang=\"{other}\">{other_name}</a>\
             </header><p class=\"sandbox\"><b>{sandbox}</b> {no_real_money}</p>\
             <main>{main}</main></body></html>"
        );
        Page {
            html,
            style_nonce,
            leads_to: String::new(),
        }
    }

    /// Browsers hold a form's redirects to `form-action`, so the merchant's origin must be in it.
    fn with_redirects_to(mut self, return_url: Option<&str>) -> Page {
        let url = return_url.and_then(|url| reqwest::Url::parse(url).ok());
        self.leads_to = url
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default();
        self
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Page {
            html,
            style_nonce,
            leads_to,
        } = self;
        let policy = format!(
            "default-src 'none'; style-src 'nonce-{style_nonce}'; form-action 'self' {leads_to}; \
             base-uri 'none'; frame-ancestors 'none'"
        );
        let mut response = Html(html).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        );
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}

/// Whole fen as yuan with two decimals and grouped thousands.
fn yuan(fen: i64) -> String {
    let digits = (fen / 100).to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{:02}", fen % 100)
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

const STYLE: &str = "
:root{--ink:#16181d;--soft:#6b7280;--line:#e8eaee;--ground:#f4f5f7;--card:#fff;--pay:#087f48;
--pay-ink:#fff;--note:#8a4b00;--note-ground:#fff3dc}
@media(prefers-color-scheme:dark){:root{--ink:#f2f3f5;--soft:#9aa1ad;--line:#2b2f37;--ground:#101216;
--card:#191c22;--pay:#12b76a;--pay-ink:#04120a;--note:#ffd596;--note-ground:#3a2a10}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:430px;min-height:100vh;padding:0 16px 32px;background:var(--ground);
color:var(--ink);font:16px/1.5 system-ui,-apple-system,'PingFang SC','Noto Sans CJK SC',
'Microsoft YaHei',sans-serif}
header{display:flex;justify-content:space-between;align-items:center;padding:14px 4px}
header b{font-size:17px}
header a{color:var(--soft);font-size:14px;text-decoration:none;padding:6px 0 6px 12px}
.sandbox{margin:0 0 12px;padding:10px 14px;border-radius:12px;font-size:14px;
color:var(--note);background:var(--note-ground)}
.sandbox b{display:inline-block;margin-right:6px;padding:0 8px;border-radius:6px;
border:1px solid currentColor}
main{padding:28px 20px 24px;border-radius:18px;background:var(--card);text-align:center;
box-shadow:0 1px 2px rgb(0 0 0/.05),0 12px 32px rgb(0 0 0/.05)}
h1{margin:0 0 8px;font-size:20px}
.payee{margin:0;color:var(--soft);font-size:14px;overflow-wrap:anywhere}
.amount{margin:4px 0 24px;font-size:44px;font-weight:650;line-height:1.2;letter-spacing:-.01em;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.long{font-size:30px}
.amount small{margin-right:4px;font-size:.6em;font-weight:600}
dl{margin:0 0 28px;padding:4px 0 0;border-top:1px solid var(--line);text-align:left;font-size:15px}
dl div{display:flex;gap:16px;justify-content:space-between;padding:12px 0;
border-bottom:1px solid var(--line)}
dt{flex:none;color:var(--soft)}
dd{margin:0;text-align:right;overflow-wrap:anywhere}
.mono{font-family:ui-monospace,'SF Mono',Menlo,Consolas,monospace;font-size:14px}
button,.button{display:block;width:100%;min-height:52px;padding:14px;border:0;border-radius:14px;
background:var(--pay);color:var(--pay-ink);font-family:inherit;font-size:17px;font-weight:600;line-height:24px;
text-decoration:none;cursor:pointer}
button:active,.button:active{filter:brightness(.92)}
button:focus-visible,a:focus-visible{outline:3px solid #60a5fa;outline-offset:2px}
.quiet{display:block;margin-top:8px;padding:12px;color:var(--soft);text-decoration:none}
.sign{display:grid;place-items:center;width:64px;height:64px;margin:4px auto 16px;border-radius:50%;
background:var(--pay);color:var(--pay-ink);font-size:32px;font-weight:700}
.neutral{background:var(--line);color:var(--soft)}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_grouped_and_have_two_decimals() {
        let check = |fen, expected: &str| assert_eq!(yuan(fen), expected);
        check(1, "0.01");
        check(9_900, "99.00");
        check(99_999, "999.99");
        check(100_000, "1,000.00");
        check(123_456_789, "1,234,567.89");
    }

    #[test]
    fn nothing_of_the_merchants_becomes_markup() {
        let escaped = escape("<b onclick='x'>\"&amp;");
        assert_eq!(escaped, "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;amp;");
    }

    #[test]
    fn the_language_is_the_addresss_then_the_browsers_then_chinese() {
        let check = |lang: Option<&str>, accepted: &str, expected: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, accepted.parse().unwrap());
            let lang = Lang {
                lang: lang.map(str::to_owned),
            };
            assert_eq!(
                Words::pick(&lang, &headers).code,
                expected,
                "{lang:?} {accepted}"
            );
        };
        //    ?lang=       Accept-Language            page
        check(Some("en"), "zh-CN", "en");
        check(Some("zh"), "en", "zh");
        check(None, "en-GB,en;q=0.9", "en");
        check(None, "fr, en;q=0.8, zh;q=0.5", "en");
        check(None, "zh-TW", "zh");
        check(None, "fr", "zh");
        check(Some("文"), "文", "zh");
    }
}
