//! Simulated populations driving the real domain and engine
