//! What a campaign pays on paper, counted twice: by the domain, and by an oracle written from the rules alone.

mod crowd;
mod dice;
mod feed;
mod file;
mod gate;
mod histories;
mod laws;
mod oracle;
mod outcomes;
mod plans;
mod rows;
