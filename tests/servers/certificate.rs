//! A certificate authority that exists for one test.

use super::Result;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// PEM texts of an authority and of one server certificate it signed.
pub struct Certificates {
    pub authority: String,
    pub certificate: String,
    pub key: String,
}

/// A server certificate for these names and addresses, with the authority behind it.
pub fn for_names(names: &[&str]) -> Result<Certificates> {
    make(names).map_err(|e| format!("No certificate could be made: {e}"))
}

fn make(names: &[&str]) -> std::result::Result<Certificates, rcgen::Error> {
    let mut above = CertificateParams::new(Vec::new())?;
    above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    above.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    above
        .distinguished_name
        .push(DnType::CommonName, "Authority of one test");
    let above_key = KeyPair::generate()?;
    let authority = above.self_signed(&above_key)?.pem();
    let issuer = Issuer::new(above, above_key);

    let mut leaf = CertificateParams::new(names.iter().map(|n| n.to_string()).collect::<Vec<_>>())?;
    leaf.distinguished_name
        .push(DnType::CommonName, "Mail server of one test");
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &issuer)?.pem();
    Ok(Certificates {
        authority,
        certificate,
        key: key.serialize_pem(),
    })
}
