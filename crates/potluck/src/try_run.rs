//! `potluck try`: one full group of a campaign file, or the bills of a counter file, through the real rules.
//!
//! Why it exists: an operator wants to see where every yuan of a group goes before anybody pays one, and a
//! sceptic wants to check the platform's arithmetic with a crowd of his own. So nothing is counted here: the file
//! is read by the reader of the API, the winners are chosen by the draw's own code from a given seed, and the
//! amounts are the domain's settlement. What this module adds is the check that they add up (rules 13).

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use domain::{
    BeaconSource, Campaign, GroupId, Millis, OwnProfile, PublishedCampaign, Refusal, Shortfall,
    Solvency, published_file,
};
use schema::Installation;

use crate::try_crowd::{self, Crowd, Uplines};
use crate::try_figures::Figures;
use crate::{try_counter, try_json, try_text};

/// Most bytes of a crowd file.
const MAX_CROWD_BYTES: u64 = 64 << 20;

/// Run one full group of a campaign file on a made-up crowd, or on yours, or the bills of a counter file, and show where the
/// money goes.
#[derive(Debug, clap::Args)]
pub(crate) struct TryArgs {
    /// The campaign file, or the counter file: TOML, or JSON if its name ends in .json
    file: PathBuf,
    /// Uplines of every participant of the made-up crowd: nobody, or three of VIP 3 and ranks 1 to 3, with agents of his
    /// regions and a home store
    #[arg(long, value_enum, default_value_t = Uplines::Full, conflicts_with = "crowd")]
    uplines: Uplines,
    /// The draw's seed, 64 hex digits; the same seed gives the same winners
    #[arg(long, value_name = "HEX")]
    seed: Option<String>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Use this population instead of the made-up one (CSV: member,inviter,vip,rank,region,agent_of,seat,via)
    #[arg(long, value_name = "CSV")]
    crowd: Option<PathBuf>,
    /// The operator's own profile, for a campaign that names `own` (TOML, as profiles/own.example.toml)
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// List every single payment too
    #[arg(long)]
    members: bool,
}

/// Why there is nothing to show.
#[derive(Debug)]
pub(crate) enum TryError {
    /// A file cannot be read or is not what it should be; the sentence names it.
    Input(String),
    /// The campaign breaks a rule.
    Refused(Refusal),
    /// The campaign could not pay what it promises.
    NotSolvent(Box<Campaign>, Box<Shortfall>),
    /// The domain's amounts do not add up: a fault of this program.
    Unbalanced(String),
}

/// What is shown of one group.
#[derive(Debug)]
pub(crate) struct Tried {
    /// The terms.
    pub(crate) campaign: Campaign,
    /// The worst case, term by term.
    pub(crate) solvency: Solvency,
    /// Who sat in the group.
    pub(crate) crowd: Crowd,
    /// The draw's seed.
    pub(crate) seed: draw::Hash,
    /// Winning seats in the draw's order.
    pub(crate) won: Vec<u32>,
    /// Where the money went.
    pub(crate) figures: Figures,
}

impl Tried {
    /// The group with as many winners as were drawn.
    pub(crate) fn case(&self) -> domain::Case<'_> {
        self.campaign
            .case(u32::try_from(self.won.len()).unwrap_or(u32::MAX))
    }
}

/// Runs the command and prints; the exit code is 0, or 1 for a refusal or a bad file, or 3 for a fault of ours.
pub(crate) fn run(args: &TryArgs) -> ExitCode {
    match attempt(args) {
        Ok(page) => print(&page),
        Err(error) => {
            let page = match &error {
                TryError::NotSolvent(_, shortfall) if args.json => {
                    Some(try_json::refused(shortfall))
                }
                TryError::NotSolvent(campaign, shortfall) => {
                    Some(try_text::refused(campaign, shortfall))
                }
                TryError::Refused(refusal) if args.json => Some(try_json::refusal(refusal)),
                TryError::Refused(_) | TryError::Input(_) | TryError::Unbalanced(_) => None,
            };
            page.map(|page| print(&page));
            eprintln!("potluck try: {}: {error}", args.file.display());
            ExitCode::from(if matches!(error, TryError::Unbalanced(_)) {
                3
            } else {
                1
            })
        }
    }
}

/// What there is to print.
fn attempt(args: &TryArgs) -> Result<String, TryError> {
    let limit = u64::try_from(schema::MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let text = read_text(&args.file, limit)?;
    let own = own_profile(args.profile.as_deref())?;
    if let Some(file) = counter(&args.file, &text)? {
        if args.crowd.is_some() || args.seed.is_some() || args.members {
            let says = "a counter has no draw: --crowd, --seed and --members are for campaigns";
            return Err(TryError::Input(says.to_owned()));
        }
        let profile = file.profile(own.as_deref())?;
        let tried = try_counter::attempt(file, profile)?;
        let page = if args.json {
            tried.json()
        } else {
            tried.text()
        };
        return Ok(page?);
    }
    let tried = group(args, campaign(&args.file, &text, own)?)?;
    Ok(if args.json {
        try_json::tried(&tried, args.members)
    } else {
        try_text::tried(&tried, args.members)
    })
}

/// One full group of the campaign.
fn group(args: &TryArgs, campaign: Campaign) -> Result<Tried, TryError> {
    let seed = seed(args.seed.as_deref())?;
    let solvency = match domain::check_solvency(&campaign) {
        Ok(solvency) => solvency,
        Err(Refusal::NotSolvent(shortfall)) => {
            return Err(TryError::NotSolvent(Box::new(campaign), shortfall));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let crowd = match &args.crowd {
        Some(path) => {
            let text = read_text(path, MAX_CROWD_BYTES)?;
            try_crowd::parse(&text, &campaign)
                .map_err(|error| TryError::Input(format!("crowd {}: {error}", path.display())))?
        }
        None => try_crowd::made_up(&campaign, args.uplines),
    };
    let won = winners(&campaign, &crowd, &seed)?;
    let figures = Figures::count(&campaign, &crowd, &won)?;
    Ok(Tried {
        campaign,
        solvency,
        crowd,
        seed,
        won,
        figures,
    })
}

fn own_profile(path: Option<&Path>) -> Result<Option<Box<OwnProfile>>, TryError> {
    let Some(path) = path else { return Ok(None) };
    let limit = u64::try_from(schema::MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let text = read_text(path, limit)?;
    let own = schema::parse_profile_toml(&text)
        .map_err(|error| TryError::Input(format!("profile {}: {error}", path.display())))?;
    own.check()?;
    Ok(Some(Box::new(own)))
}

fn is_json(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "json")
}

/// The file, if it is one of bills at a counter.
fn counter(path: &Path, text: &str) -> Result<Option<schema::CounterFile>, TryError> {
    let file = if is_json(path) {
        schema::parse_counter_json(text.as_bytes())
    } else {
        schema::parse_counter_toml(text)
    };
    file.map_err(|error| TryError::Input(error.to_string()))
}

fn campaign(path: &Path, text: &str, own: Option<Box<OwnProfile>>) -> Result<Campaign, TryError> {
    let file = if is_json(path) {
        schema::parse_json(text.as_bytes())
    } else {
        schema::parse_toml(text)
    };
    let file = file.map_err(|error| TryError::Input(error.to_string()))?;
    let log =
        draw::Origin::new("potluck.try").map_err(|error| TryError::Input(error.to_string()))?;
    // No round of this beacon is ever asked for: the seed is given.
    let source = BeaconSource::Local {
        beacon: [0; 32],
        genesis: 0,
        period: 3,
    };
    Ok(file.resolve(&Installation {
        log,
        source,
        delay_s: 3,
        own,
    })?)
}

/// The file's text; one byte more than allowed is read so that the reader can see it is too long.
fn read_text(path: &Path, limit: u64) -> Result<String, TryError> {
    let failed = |says: String| TryError::Input(format!("cannot read {}: {says}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| failed(error.to_string()))?;
    let mut bytes = Vec::new();
    let wanted = limit.saturating_add(1);
    file.take(wanted)
        .read_to_end(&mut bytes)
        .map_err(|error| failed(error.to_string()))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| limit < length) {
        return Err(failed(format!("it is longer than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| failed("it is not UTF-8 text".to_owned()))
}

/// The seed asked for; without one always the same, so that two runs can be compared.
fn seed(hex: Option<&str>) -> Result<draw::Hash, TryError> {
    match hex {
        Some(hex) => hex
            .parse()
            .map_err(|error| TryError::Input(format!("--seed {error}"))),
        None => Ok(draw::hash(b"potluck try\n")),
    }
}

/// The draw itself (draw 6), from its seed on. Where everyone buys nothing is drawn, and a leader who always buys comes
/// before those drawn.
fn winners(campaign: &Campaign, crowd: &Crowd, seed: &draw::Hash) -> Result<Vec<u32>, TryError> {
    if !campaign.is_drawn() {
        return Ok((0..campaign.group.seats).collect());
    }
    let hash = draw::hash(published_file(campaign).as_bytes());
    let published = PublishedCampaign {
        terms: campaign.clone(),
        hash,
        published_at: Millis(0),
    };
    let open = domain::open_file(&published, GroupId(0))?;
    let lines = crowd
        .seats
        .iter()
        .enumerate()
        .map(|(at, seat)| draw::SeatLine {
            tag: draw::hash(&seat.member.0.to_be_bytes()),
            leader: at == 0,
            tier: 0,
        });
    let seats = draw::Seats(lines.collect());
    let scores = draw::scores(seed, campaign.group.seats);
    let mut order = draw::order(&open, &seats, &scores);
    order.truncate(draw::winner_count(open.mode, &order, &scores));
    Ok(campaign.winners_of(&order))
}

/// Writes to standard output. A reader who has gone away is no error; a full disk is one.
fn print(text: &str) -> ExitCode {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("potluck try: cannot write the output: {error}");
            ExitCode::from(3)
        }
    }
}

impl std::fmt::Display for TryError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TryError::Input(says) => out.write_str(says),
            TryError::Refused(refusal) => write!(out, "refused ({}): {refusal}", refusal.code()),
            TryError::NotSolvent(_, shortfall) => {
                let refusal = Refusal::NotSolvent(shortfall.clone());
                write!(out, "refused ({}): {refusal}", refusal.code())
            }
            TryError::Unbalanced(says) => write!(out, "the amounts do not add up: {says}"),
        }
    }
}

impl From<Refusal> for TryError {
    fn from(refusal: Refusal) -> TryError {
        TryError::Refused(refusal)
    }
}

impl From<domain::Overflow> for TryError {
    fn from(overflow: domain::Overflow) -> TryError {
        TryError::Refused(overflow.into())
    }
}
