//! Tests of the draw protocol: published vectors, strictness, laws, and a second implementation.

mod beacon;
mod fit;
mod laws;
mod make;
mod oracle;
mod rotation;
mod rounds;
mod strict;
mod vectors;
