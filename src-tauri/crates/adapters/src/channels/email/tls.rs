//! Trust: the system's certificate authorities and, where an account names one, its own.

use crate::failure::failure;
use carillon_model::message::{Failure, FailureClass};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, InvalidMessage, RootCertStore};
use std::io;
use std::sync::{Arc, OnceLock};

/// Longest PEM file read, in bytes.
const LONGEST_PEM: u64 = 1 << 20;

/// How to check the server of an account: certificate and name, TLS 1.2 and 1.3.
///
/// # Errors
/// `Setup` when the file of the account cannot be used or nothing at all is trusted.
pub(crate) async fn client_config(ca_file: Option<&str>) -> Result<Arc<ClientConfig>, Failure> {
    let mut roots = system_roots().clone();
    if let Some(path) = ca_file {
        for certificate in read_pem(path).await? {
            let added = roots.add(certificate);
            added.map_err(|_| unusable(path, "one of its certificates is damaged"))?;
        }
    }
    if roots.is_empty() {
        return Err(failure(
            FailureClass::Setup,
            "no_authorities",
            "This machine has no list of certificate authorities, so no server can be checked. \
             Install the system's ca-certificates, or name a CA file in the account.",
        ));
    }
    config(roots).map(Arc::new)
}

/// For a client that never encrypts, and whose library wants a configuration all the same.
pub(crate) fn trusting_nobody() -> Result<ClientConfig, Failure> {
    config(RootCertStore::empty())
}

fn config(roots: RootCertStore) -> Result<ClientConfig, Failure> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| failure(FailureClass::Setup, "tls", error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}

async fn read_pem(path: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let about = tokio::fs::metadata(path)
        .await
        .map_err(|_| unusable(path, "it cannot be read"))?;
    if !about.is_file() || about.len() > LONGEST_PEM {
        return Err(unusable(path, "it is not a file of certificates"));
    }
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|_| unusable(path, "it cannot be read"))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unusable(path, "it holds no certificate in PEM form")),
    }
}

fn unusable(path: &str, why: &str) -> Failure {
    failure(
        FailureClass::Setup,
        "ca_file",
        format!("The account's CA file {path} cannot be used: {why}."),
    )
}

/// The name the certificate must be for.
pub(crate) fn server_name(host: &str) -> Result<ServerName<'static>, Failure> {
    let name = host
        .strip_prefix('[')
        .and_then(|h| h.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(name.to_owned()).map_err(|_| {
        failure(
            FailureClass::Setup,
            "host",
            format!("“{host}” is not a name a certificate could be for."),
        )
    })
}

/// A handshake that failed: a certificate or protocol that does not fit stays so, a cut may be passing.
pub(crate) fn handshake_failure(host: &str, error: &io::Error) -> Failure {
    use rustls::Error as Tls;
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>());
    let (class, code, why) = match cause {
        Some(Tls::InvalidCertificate(fault)) => (
            FailureClass::Setup,
            "certificate",
            format!("its certificate is not trusted ({fault}). Nothing was sent, not even the password"),
        ),
        Some(Tls::InvalidMessage(
            InvalidMessage::InvalidContentType | InvalidMessage::UnknownProtocolVersion,
        )) => (
            FailureClass::Setup,
            "not_tls",
            "it does not speak TLS from the first byte on this port. Try STARTTLS, or port 465".to_owned(),
        ),
        Some(fault) => (
            FailureClass::Setup,
            "tls",
            format!("encryption could not be agreed on ({fault})"),
        ),
        None => (
            FailureClass::Transient,
            "tls_lost",
            "the connection ended while encryption was set up".to_owned(),
        ),
    };
    failure(class, code, format!("Not connected to {host}: {why}."))
}
