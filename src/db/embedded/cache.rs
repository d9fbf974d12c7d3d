//! The per-user folder into which the embedded server unpacks its program, about 100 MB, shared
//! by every site.

use std::path::PathBuf;

use directories::ProjectDirs;

use crate::config;
use crate::error::{Error, Result};
use crate::fs;

/// The folder, if this user has a home.
pub fn dir() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("dev", "pglite-oxide", "pglite-oxide")?;
    Some(dirs.cache_dir().to_owned())
}

/// Fails where the program cannot be unpacked.
pub fn check() -> Result<()> {
    let Some(dir) = dir() else {
        return Err(unpackable("this user has no home folder").help(REMEDY));
    };
    writable(&dir).map_err(|error| {
        unpackable(&format!("{} cannot be written", dir.display())).because(error).help(REMEDY)
    })
}

const REMEDY: &str = "set XDG_CACHE_HOME to a folder that can be written";

fn unpackable(why: &str) -> Error {
    Error::output(format!("the embedded database cannot unpack its program: {why}"))
}

fn writable(dir: &std::path::Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    let probe = dir.join(format!(".probe-{}", std::process::id()));
    fs::write(&probe, b"")?;
    let _ = std::fs::remove_file(probe);
    Ok(())
}

/// Where the user's cache folder cannot be written, starts this program over with one in the
/// database's folder; otherwise, or with a database of one's own, does nothing. To be called
/// before anything has happened.
#[cfg(unix)]
pub fn restart_with_own_cache(config: &config::Database) -> Result<()> {
    use std::os::unix::process::CommandExt as _;
    // The variable that decides where caches are, on this system.
    let variable = if cfg!(target_os = "macos") { "HOME" } else { "XDG_CACHE_HOME" };
    let own = config.data_dir.join("cache");
    let own = std::path::absolute(&own).unwrap_or(own);
    if config.url.is_some()
        || check().is_ok()
        || std::env::var_os(variable) == Some(own.as_os_str().to_owned())
    {
        return Ok(());
    }
    writable(&own)?;
    let this = std::env::current_exe()
        .map_err(|error| Error::other("cannot find this program's file").because(error))?;
    let failed = std::process::Command::new(this)
        .args(std::env::args_os().skip(1))
        .env(variable, own)
        .exec();
    Err(Error::other("cannot start this program over").because(failed))
}

#[cfg(not(unix))]
pub fn restart_with_own_cache(_config: &config::Database) -> Result<()> {
    Ok(())
}
