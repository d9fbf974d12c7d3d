//! Encryption that was not agreed on: which part of the certificate is at fault.

use rustls::{CertificateError, Error as Tls};

use super::Subject;
use crate::error::Error;

/// What a failed handshake says, out of the error that carries it.
pub fn alert(error: &std::io::Error) -> Option<&Tls> {
    error.get_ref()?.downcast_ref()
}

pub fn explain(alert: Option<&Tls>, cause: &str, subject: &Subject) -> Error {
    let Subject { url_env, host, .. } = subject;
    let help = match alert {
        Some(Tls::InvalidCertificate(certificate)) => wrong(certificate, subject),
        _ if cause.contains("does not support TLS") => format!(
            "the server speaks no TLS: on a network you trust, add ?sslmode=disable to {url_env}"
        ),
        _ if cause.contains("ertificate") => authority(subject),
        _ => format!("does a Postgres server with TLS answer at {host}? {url_env} names it"),
    };
    subject.failed().because(Error::database(format!("TLS: {cause}"))).help(help)
}

fn wrong(certificate: &CertificateError, subject: &Subject) -> String {
    use CertificateError as C;
    let Subject { host, .. } = subject;
    match certificate {
        C::Expired | C::ExpiredContext { .. } => format!(
            "the certificate of {host} has expired: its operator must renew it; check this machine's clock as well"
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet: check this machine's clock")
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => format!(
            "the certificate is for another host than \"{host}\": write the host's name as the certificate has it; somebody may be in between"
        ),
        C::Revoked => format!("the certificate of {host} was revoked: ask its operator"),
        _ => authority(subject),
    }
}

/// The usual case: a provider with a certificate authority of its own.
fn authority(subject: &Subject) -> String {
    let Subject { host, url_env, .. } = subject;
    let dashboard = if host.ends_with(".supabase.com") || host.ends_with(".supabase.co") {
        " (Supabase: in the dashboard, under the database's SSL settings)"
    } else {
        ""
    };
    format!(
        "who signed the certificate of {host} is not known here: download the provider's root certificate{dashboard} and add ?sslrootcert=FILE to {url_env}; ?sslmode=require encrypts without checking who answers"
    )
}
