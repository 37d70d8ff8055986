//! A line-wise conversation over TCP, in clear or under TLS with one trusted authority.

use super::Result;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection to a server of this machine.
pub struct Conversation {
    stream: BufReader<Box<dyn Stream>>,
}

impl Conversation {
    /// Connects in clear.
    pub fn connect(port: u16) -> Result<(Conversation, TcpStream)> {
        let tcp = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|e| format!("Port {port}: {e}"))?;
        tcp.set_read_timeout(Some(Duration::from_secs(60)))
            .map_err(|e| e.to_string())?;
        tcp.set_nodelay(true).map_err(|e| e.to_string())?;
        let other = tcp.try_clone().map_err(|e| e.to_string())?;
        Ok((
            Conversation {
                stream: BufReader::new(Box::new(tcp)),
            },
            other,
        ))
    }

    /// Puts TLS on a connection; the certificate must be for `localhost` and signed by the authority in the file.
    pub fn under_tls(tcp: TcpStream, authority: &Path) -> Result<Conversation> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority).map_err(|e| e.to_string())? {
            let certificate = certificate.map_err(|e| e.to_string())?;
            roots.add(certificate).map_err(|e| e.to_string())?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").map_err(|e| e.to_string())?;
        let tls = ClientConnection::new(Arc::new(config), name).map_err(|e| e.to_string())?;
        Ok(Conversation {
            stream: BufReader::new(Box::new(StreamOwned::new(tls, tcp))),
        })
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let to = self.stream.get_mut();
        to.write_all(bytes)
            .and_then(|()| to.flush())
            .map_err(|e| format!("The server went away: {e}"))
    }

    /// The next line without its end.
    pub fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        self.stream
            .read_until(b'\n', &mut line)
            .map_err(|e| format!("The server went away: {e}"))?;
        if line.is_empty() {
            return Err("The server hung up.".to_string());
        }
        Ok(String::from_utf8_lossy(&line)
            .trim_end_matches(['\r', '\n'])
            .to_string())
    }

    /// Exactly so many bytes.
    pub fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.stream
            .read_exact(&mut bytes)
            .map_err(|e| format!("The server went away: {e}"))?;
        Ok(bytes)
    }
}
