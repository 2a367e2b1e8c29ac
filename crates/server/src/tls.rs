//! The TLS provider of this process.

/// Makes ring the provider, once. An error means that the process has chosen one already, which serves as well.
pub(crate) fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
