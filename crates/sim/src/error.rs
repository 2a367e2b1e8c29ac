//! Why a simulated day ends early.

use engine::Fault;

/// Why a simulated day ends early.
#[derive(Debug)]
pub enum SimError {
    /// The world and the rules told once more do not agree: a bug in one of them.
    Differs {
        /// Run it again with this.
        seed: u64,
        /// How many commands had been sent.
        commands: u64,
        /// What differs, in words.
        what: Vec<String>,
    },
    /// The batch is not known to be durable: open the journal anew and call
    /// [`Simulation::recovered`](crate::Simulation::recovered).
    Engine(Fault),
}

impl std::fmt::Display for SimError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SimError::Differs {
                seed,
                commands,
                what,
            } => {
                write!(
                    out,
                    "seed {seed}, after {commands} commands: {}",
                    what.join("; ")
                )
            }
            SimError::Engine(fault) => fault.fmt(out),
        }
    }
}

impl std::error::Error for SimError {}

impl From<Fault> for SimError {
    fn from(fault: Fault) -> SimError {
        SimError::Engine(fault)
    }
}
