//! What the journal asks of a disk, so that a test can have one that is full.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

pub trait Disk: Send {
    /// A new file in the place of any other of this name.
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Paper>>;
    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes a rename in this folder last.
    fn sync_folder(&mut self, folder: &Path) -> io::Result<()>;
    fn remove(&mut self, path: &Path) -> io::Result<()>;
}

/// A file that is written at its end.
pub trait Paper: Send {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

pub struct Real;

impl Disk for Real {
    fn create(&mut self, path: &Path) -> io::Result<Box<dyn Paper>> {
        Ok(Box::new(File::create(path)?))
    }

    fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&mut self, folder: &Path) -> io::Result<()> {
        match File::open(folder)?.sync_all() {
            // There are file systems that know of no such thing, and do it anyway.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            synced => synced,
        }
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

impl Paper for File {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        io::Write::write_all(self, bytes)?;
        self.flush()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}
