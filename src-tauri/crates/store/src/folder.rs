//! Folders in which a live database is at risk: a warning for people, never a refusal.

use std::path::Path;

/// Why the place of a file is risky.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FolderRisk {
    /// NFS, CIFS/SMB: locks and fsync cannot be relied on.
    Network,
    /// A file system in user space; many of them are remote.
    UserSpace,
    /// A program that copies files while they change.
    CloudSync,
}

/// A warning with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderWarning {
    pub risk: FolderRisk,
    /// The file system, or the program that syncs the folder.
    pub what: String,
}

impl FolderWarning {
    /// A stable word for screens, whose sentence is theirs: `network_drive`, `user_space_drive`, `cloud_folder`.
    pub fn word(&self) -> &'static str {
        match self.risk {
            FolderRisk::Network => "network_drive",
            FolderRisk::UserSpace => "user_space_drive",
            FolderRisk::CloudSync => "cloud_folder",
        }
    }
}

impl std::fmt::Display for FolderWarning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.risk {
            FolderRisk::Network => write!(
                f,
                "This folder is on a network drive ({}). A workspace can be damaged there; keep it on this computer's own disk.",
                self.what
            ),
            FolderRisk::UserSpace => write!(
                f,
                "This folder is on a drive provided by a program ({}). If it is a network or cloud drive, a workspace can be damaged there.",
                self.what
            ),
            FolderRisk::CloudSync => write!(
                f,
                "This folder is synced by {}. A workspace can be damaged by syncing while it is open; keep it elsewhere and sync its backups.",
                self.what
            ),
        }
    }
}

/// The risk of keeping a workspace at `path`, if one is known. The file need not exist yet.
pub fn folder_warning(path: &Path) -> Option<FolderWarning> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.ancestors().skip(1).find(|a| a.exists()).unwrap_or(&path);
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    cloud(&path)
        .or_else(|| cloud(&folder))
        .or_else(|| syncthing(&folder))
        .or_else(|| file_system(&folder))
}

fn cloud(path: &Path) -> Option<FolderWarning> {
    path.parent()?.components().rev().find_map(|part| {
        let name = part.as_os_str().to_string_lossy().to_lowercase();
        let what = match name.as_str() {
            n if n == "dropbox" || n.starts_with("dropbox (") => "Dropbox",
            n if n == "onedrive" || n.starts_with("onedrive -") || n.starts_with("onedrive-") => "OneDrive",
            n if n == "google drive" || n == "googledrive" || n.starts_with("googledrive-") => "Google Drive",
            "icloud drive" | "iclouddrive" | "com~apple~clouddocs" | "mobile documents" => "iCloud",
            "nextcloud" => "Nextcloud",
            "owncloud" => "ownCloud",
            n if n == "pcloud drive" || n == "pclouddrive" => "pCloud",
            "proton drive" => "Proton Drive",
            // Where macOS keeps what any of them syncs.
            "cloudstorage" => "a cloud service",
            _ => return None,
        };
        Some(FolderWarning {
            risk: FolderRisk::CloudSync,
            what: what.to_owned(),
        })
    })
}

fn syncthing(folder: &Path) -> Option<FolderWarning> {
    folder
        .ancestors()
        .any(|a| a.join(".stfolder").exists())
        .then(|| FolderWarning {
            risk: FolderRisk::CloudSync,
            what: "Syncthing".to_owned(),
        })
}

#[cfg(target_os = "linux")]
fn file_system(folder: &Path) -> Option<FolderWarning> {
    // `f_type` is i64 or i32 by target; the magic numbers of statfs(2) are 32 bits.
    #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast)]
    let magic = rustix::fs::statfs(folder).ok()?.f_type as u32;
    of_magic(magic)
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Option<FolderWarning> {
    None
}

/// The magic numbers of statfs(2).
#[cfg(target_os = "linux")]
fn of_magic(magic: u32) -> Option<FolderWarning> {
    let (risk, what) = match magic {
        0x6969 => (FolderRisk::Network, "NFS"),
        0xFF53_4D42 | 0xFE53_4D42 => (FolderRisk::Network, "Windows share"),
        0x517B => (FolderRisk::Network, "SMB"),
        0x5346_414F => (FolderRisk::Network, "AFS"),
        0x00C3_6400 => (FolderRisk::Network, "Ceph"),
        0x7375_7245 => (FolderRisk::Network, "Coda"),
        0x0BD0_0BD0 => (FolderRisk::Network, "Lustre"),
        0x0102_1997 => (FolderRisk::Network, "9P"),
        0x786F_4256 => (FolderRisk::UserSpace, "a shared folder of VirtualBox"),
        0x6573_5546 => (FolderRisk::UserSpace, "FUSE"),
        _ => return None,
    };
    Some(FolderWarning {
        risk,
        what: what.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_sync_programs_are_named_and_plain_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        for (folder, what) in [
            ("Dropbox", "Dropbox"),
            ("OneDrive - Company", "OneDrive"),
            ("CloudStorage/OneDrive-Personal", "OneDrive"),
            ("CloudStorage/Unheard-of", "a cloud service"),
            ("OneDrive-Personal", "OneDrive"),
            ("Google Drive", "Google Drive"),
            ("Nextcloud", "Nextcloud"),
            ("com~apple~CloudDocs", "iCloud"),
        ] {
            let file = dir.path().join(folder).join("deep").join("a.carillon");
            assert_eq!(folder_warning(&file).unwrap().what, what);
        }
        assert_eq!(folder_warning(&dir.path().join("plain").join("a.carillon")), None);
        let synced = dir.path().join("shared");
        std::fs::create_dir_all(synced.join(".stfolder")).unwrap();
        let warning = folder_warning(&synced.join("a.carillon")).unwrap();
        assert_eq!(warning.what, "Syncthing");
        assert_eq!(warning.risk, FolderRisk::CloudSync);
    }

    #[test]
    fn a_file_called_like_a_sync_folder_is_not_one() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(folder_warning(&dir.path().join("Dropbox")), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn network_and_user_space_file_systems_are_told_apart() {
        assert_eq!(of_magic(0x6969).unwrap().risk, FolderRisk::Network);
        assert_eq!(of_magic(0xFF53_4D42).unwrap().risk, FolderRisk::Network);
        assert_eq!(of_magic(0x6573_5546).unwrap().risk, FolderRisk::UserSpace);
        assert_eq!(of_magic(0xEF53), None);
    }
}
