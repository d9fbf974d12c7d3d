//! A folder held open: calls are relative to it, end at no symbolic link, and name the path.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{self as sys, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::Result;
use crate::fs::failed;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

pub struct Dir {
    fd: OwnedFd,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Dir,
    /// A symbolic link, a socket, a device: never part of a site.
    Other,
}

impl From<FileType> for Kind {
    fn from(file_type: FileType) -> Self {
        match file_type {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Dir,
            _ => Self::Other,
        }
    }
}

/// What a look at a file tells without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meta {
    pub kind: Kind,
    pub ino: u64,
    pub len: u64,
    /// Nanoseconds since 1970.
    pub mtime: i64,
}

impl From<Stat> for Meta {
    fn from(stat: Stat) -> Self {
        let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
        Self {
            kind: FileType::from_raw_mode(stat.st_mode).into(),
            ino: stat.st_ino,
            len: u64::try_from(stat.st_size).unwrap_or(0),
            mtime: stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanos),
        }
    }
}

impl Dir {
    pub fn open(path: &Path) -> Result<Self> {
        let fd = sys::openat(CWD, path, FOLDER, Mode::empty())
            .map_err(|errno| failed("open the folder", path, errno.into()))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Opens a folder inside; a symbolic link there is refused.
    pub fn open_inside(&self, name: &str) -> Result<Self> {
        let path = self.path(name);
        let fd = sys::openat(&self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())
            .map_err(|errno| failed("open the folder", &path, errno.into()))?;
        Ok(Self { fd, path })
    }

    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// Where `name` is, for messages and for what only takes paths; `""` is the folder itself.
    pub fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.path.clone() } else { self.path.join(name) }
    }

    /// Looks at what is there under the name; `None` where nothing is.
    pub fn look(&self, name: &str) -> Result<Option<Meta>> {
        let at = if name.is_empty() { "." } else { name };
        match sys::statat(&self.fd, at, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat.into())),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(failed("look at", &self.path(name), errno.into())),
        }
    }

    /// Makes a folder; `false` where something of that name exists.
    pub fn make_dir(&self, name: &str) -> Result<bool> {
        match sys::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(failed("create the folder", &self.path(name), errno.into())),
        }
    }

    /// Writes a file that did not exist; `None` where something of that name does.
    pub fn create(&self, name: &str, bytes: &[u8]) -> Result<Option<Meta>> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fail = |error| failed("write", &self.path(name), error);
        let fd = match sys::openat(&self.fd, name, flags, Mode::from_raw_mode(0o666)) {
            Ok(fd) => fd,
            Err(Errno::EXIST | Errno::ISDIR) => return Ok(None),
            Err(errno) => return Err(fail(errno.into())),
        };
        let mut file = File::from(fd);
        file.write_all(bytes).map_err(fail)?;
        let stat = sys::fstat(&file).map_err(|errno| fail(errno.into()))?;
        Ok(Some(stat.into()))
    }

    /// Writes a file by way of another name, so that nobody sees it half written.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let draft = format!("{name}.new");
        self.remove(&draft)?;
        self.create(&draft, bytes)?;
        self.rename(&draft, self, name)
    }

    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        crate::fs::read(&self.path(name))
    }

    /// Gives a file of `from` the same name here; `false` where the file system will not link it.
    pub fn link(&self, from: &Self, name: &str) -> bool {
        sys::linkat(&from.fd, name, &self.fd, name, AtFlags::empty()).is_ok()
    }

    pub fn rename(&self, name: &str, to: &Self, new: &str) -> Result<()> {
        sys::renameat(&self.fd, name, &to.fd, new).map_err(|errno| {
            failed(&format!("rename {} to", self.path(name).display()), &to.path(new), errno.into())
        })
    }

    /// Removes what is not a folder; `false` where a folder is. Nothing there is fine.
    pub fn unlink(&self, name: impl AsRef<OsStr>) -> Result<bool> {
        let name = name.as_ref();
        match sys::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(true),
            // Linux and the BSDs differ in what unlinking a folder says.
            Err(Errno::ISDIR | Errno::PERM) => Ok(false),
            Err(errno) => Err(failed("remove", &self.path.join(name), errno.into())),
        }
    }

    /// Removes a file, or a folder with all that is in it; nothing there is fine.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> Result<()> {
        let name = name.as_ref();
        if self.unlink(name)? { Ok(()) } else { crate::fs::remove_dir_all(&self.path.join(name)) }
    }

    /// Removes a folder with all that is in it; what is no folder stays.
    pub fn remove_dir(&self, name: &str) -> Result<()> {
        match sys::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR) => Ok(()),
            Err(_) => crate::fs::remove_dir_all(&self.path(name)),
        }
    }

    /// The names in a folder, in no order.
    pub fn list(&self, name: &str) -> Result<Vec<(OsString, Kind)>> {
        let fail = |errno: Errno| failed("list", &self.path(name), errno.into());
        let at = if name.is_empty() { "." } else { name };
        let fd = sys::openat(&self.fd, at, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        let mut names = Vec::new();
        for entry in sys::Dir::new(fd.map_err(fail)?).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push((OsString::from_vec(name.to_vec()), entry.file_type().into()));
            }
        }
        Ok(names)
    }

    /// Makes sure that names in this folder outlast a power cut.
    pub fn sync(&self) -> Result<()> {
        sys::fsync(&self.fd).map_err(|errno| failed("sync", &self.path, errno.into()))
    }

    /// When the folder was made, where the file system knows: tells it from another that got
    /// the same inode number later. Nanoseconds since 1970, 0 for unknown.
    pub fn born(&self) -> i64 {
        let born =
            self.fd.try_clone().ok().and_then(|fd| File::from(fd).metadata().ok()?.created().ok());
        let since = born.and_then(|born| born.duration_since(std::time::UNIX_EPOCH).ok());
        since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
    }
}

/// The folder a path is in; `""` for the root.
pub fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..slash])
}
