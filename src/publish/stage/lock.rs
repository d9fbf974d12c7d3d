//! One build at a time. The lock belongs to the process: when it dies, however it dies, the
//! kernel gives the lock to the next one.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::dir::Dir;
use crate::error::{Error, Result};
use crate::fs::failed;

const LOCK: &str = "lock";

pub struct Lock {
    held: File,
}

/// Closing the file is not enough: a process that another thread is just starting has it open too,
/// until it becomes what it is to be.
impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.held.unlock();
    }
}

impl Lock {
    /// Takes the lock on `target`, or says who has it.
    pub fn take(companion: &Dir, target: &Path) -> Result<Self> {
        let path = companion.path(LOCK);
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(&path).map_err(|error| failed("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file, target)),
            Err(TryLockError::Error(error)) => return Err(failed("lock", &path, error)),
        }
        sign(&mut file).map_err(|error| failed("write", &path, error))?;
        Ok(Self { held: file })
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}", std::process::id())
}

fn held(file: &mut File, target: &Path) -> Error {
    let mut pid = String::new();
    let _ = file.read_to_string(&mut pid);
    let holder = if pid.is_empty() { String::new() } else { format!(" (process {pid})") };
    Error::output(format!("another build{holder} is writing {}", target.display()))
        .help("wait until it is done, or stop it: the lock goes with its process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_goes_even_where_a_child_still_has_the_file_open() {
        let dir = tempfile::tempdir().unwrap();
        let companion = Dir::open(dir.path()).unwrap();
        let lock = Lock::take(&companion, dir.path()).unwrap();
        let as_a_child_has_it = lock.held.try_clone().unwrap();
        drop(lock);
        Lock::take(&companion, dir.path()).unwrap();
        drop(as_a_child_has_it);
    }
}
