//! The embedded database's folder: one process at a time, and nothing in it but the database.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::fs;

const LOCK: &str = "frieze.lock";
/// Written after the first boot that went well.
const USED: &str = "frieze.used";
/// Everything a folder of ours may hold.
const OURS: [&str; 6] = [LOCK, USED, ".pglite-oxide.lock", "tmp", "cache", Socket::NAME];
/// A process that was killed may take a moment to let go.
const PATIENCE: Duration = Duration::from_secs(2);

/// A folder claimed for this process, until it is dropped.
pub struct Folder {
    pub dir: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be and claims it, which fails while another process has it.
    pub async fn claim(dir: PathBuf) -> Result<Self> {
        let claim = tokio::task::spawn_blocking(move || Self::claim_now(dir));
        claim.await.map_err(|error| Error::other("cannot claim a folder").because(error))?
    }

    fn claim_now(dir: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir)?;
        refuse_strangers(&dir)?;
        keep_private(&dir)?;
        let path = dir.join(LOCK);
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = file.map_err(|error| unlockable(&path, error))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(std::fs::TryLockError::Error(error)) => return Err(unlockable(&path, error)),
                Err(std::fs::TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => {
                    return Err(in_use(&dir, &mut file));
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        // For the message of whoever comes next; without it, that message says less.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Self { dir, _lock: file })
    }

    /// Whether a boot from this folder ever went well.
    pub fn was_used(&self) -> bool {
        self.dir.join(USED).exists()
    }

    pub fn mark_used(&self) {
        // Only the choice of a remedy hangs on it.
        let _ = fs::write(&self.dir.join(USED), b"");
    }

    pub fn in_use(&self) -> Error {
        taken(&self.dir, "another frieze")
    }
}

fn unlockable(path: &Path, error: std::io::Error) -> Error {
    Error::output(format!("cannot lock {}", path.display())).because(error)
}

fn in_use(dir: &Path, lock: &mut File) -> Error {
    let mut text = String::new();
    let _ = lock.read_to_string(&mut text);
    match text.trim().parse::<u32>() {
        Ok(process) => taken(dir, &format!("another frieze (process {process})")),
        Err(_) => taken(dir, "another frieze"),
    }
}

fn taken(dir: &Path, by: &str) -> Error {
    Error::database(format!("{by} uses the embedded database in {}", dir.display()))
        .help("wait for it, or stop it; to work at the same time, name a server in DATABASE_URL")
}

/// Deletes the folder, unless another process is using it, or something else is in it.
pub fn reset(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let _claimed = Folder::claim_now(dir.to_owned())?;
    fs::remove_dir_all(dir)
}

/// A mistyped `data_dir` must not turn into a database, and even less be deleted as one.
fn refuse_strangers(dir: &Path) -> Result<()> {
    let listed = std::fs::read_dir(dir)
        .map_err(|error| Error::output(format!("cannot list {}", dir.display())).because(error))?;
    for entry in listed.flatten() {
        let name = entry.file_name();
        if !OURS.iter().any(|ours| name == *ours) {
            return Err(Error::config(format!(
                "{} is not a folder for the embedded database: it holds {}",
                dir.display(),
                name.to_string_lossy()
            ))
            .help(
                "name an empty or new folder in database.data_dir, or delete what is in this one",
            ));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn keep_private(dir: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let private = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(dir, private).map_err(|error| {
        Error::output(format!("cannot make {} private", dir.display())).because(error)
    })
}

#[cfg(not(unix))]
fn keep_private(_dir: &Path) -> Result<()> {
    Ok(())
}

/// Where the server listens: a socket that only this user can reach, where there are such.
pub struct Socket {
    folder: Option<PathBuf>,
    /// Made for the socket alone.
    temporary: bool,
}

impl Socket {
    pub const PORT: u16 = 5432;
    pub const NAME: &str = ".s.PGSQL.5432";

    /// In the database's folder; in a temporary one where the path is too long for a socket or
    /// the file system knows none.
    #[cfg(unix)]
    pub fn near(dir: &Path) -> Self {
        use std::os::unix::fs::DirBuilderExt as _;
        if takes_sockets(dir) {
            return Self { folder: Some(dir.to_owned()), temporary: false };
        }
        let elsewhere = std::env::temp_dir().join(format!("frieze-{}", uuid::Uuid::new_v4()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&elsewhere);
        let folder = made.is_ok().then_some(elsewhere).filter(|folder| takes_sockets(folder));
        Self { temporary: folder.is_some(), folder }
    }

    #[cfg(not(unix))]
    pub fn near(_dir: &Path) -> Self {
        Self { folder: None, temporary: false }
    }

    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    pub fn path(&self) -> Option<PathBuf> {
        Some(self.folder()?.join(Self::NAME))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let Some(path) = self.path() else { return };
        let _ = std::fs::remove_file(path);
        if let Some(folder) = self.folder().filter(|_| self.temporary) {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

#[cfg(unix)]
fn takes_sockets(folder: &Path) -> bool {
    let path = folder.join(Socket::NAME);
    let _ = std::fs::remove_file(&path);
    std::os::unix::net::UnixListener::bind(&path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("thesis.txt"), "three years of work").unwrap();
        let error = reset(temp.path()).unwrap_err();
        assert!(error.to_string().contains("thesis.txt"), "{error}");
        assert!(temp.path().join("thesis.txt").exists());
    }

    #[test]
    fn a_reset_takes_the_whole_folder_even_a_damaged_one() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("postgres");
        std::fs::create_dir_all(dir.join("tmp/pglite")).unwrap();
        std::fs::write(dir.join("tmp/pglite/PG_VERSION"), "garbage").unwrap();
        reset(&dir).unwrap();
        assert!(!dir.exists());
        reset(&dir).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_path_too_long_for_a_socket_gets_one_elsewhere() {
        let temp = tempfile::tempdir().unwrap();
        let deep = temp.path().join("a".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let socket = Socket::near(&deep);
        let folder = socket.folder().unwrap().to_owned();
        assert_ne!(folder, deep);
        drop(socket);
        assert!(!folder.exists());
    }
}
