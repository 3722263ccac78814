//! Archives that come out the same each time: files by name, one date for all, nobody's user and group.

use std::io::{Cursor, Write};

use anyhow::{Context, Result, bail};
use flate2::{Compression, GzBuilder};
use lzma_rust2::{XzOptions, XzWriter};
use time::OffsetDateTime;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// As the program xz takes it if nothing else is said.
const XZ_PRESET: u32 = 6;

/// A file of an archive.
#[derive(Clone)]
pub struct File {
    /// Inside the archive's folder.
    pub path: String,
    pub content: Vec<u8>,
    /// May be run.
    pub executable: bool,
}

impl File {
    pub fn new(path: impl Into<String>, content: impl Into<Vec<u8>>) -> File {
        File { path: path.into(), content: content.into(), executable: false }
    }

    pub fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }
}

/// Packs files, all of them inside a folder. The ending of the archive's name says how.
pub fn pack(archive: &str, folder: &str, files: &[File], epoch: u64) -> Result<Vec<u8>> {
    let mut sorted: Vec<&File> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    match archive.rsplit('.').next() {
        Some("gz") => {
            // No name and no time of its own.
            let gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
            Ok(tar(gzip, folder, &sorted, epoch)?.finish()?)
        }
        Some("xz") => {
            let xz = XzWriter::new(Vec::new(), XzOptions::with_preset(XZ_PRESET))?;
            Ok(tar(xz, folder, &sorted, epoch)?.finish()?)
        }
        Some("zip") => zip(folder, &sorted, epoch),
        _ => bail!("what is {archive}?"),
    }
}

fn tar<W: Write>(writer: W, folder: &str, files: &[&File], epoch: u64) -> Result<W> {
    let mut tar = tar::Builder::new(writer);
    for file in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(file.content.len() as u64);
        header.set_mode(file.mode());
        header.set_mtime(epoch);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, format!("{folder}/{}", file.path), file.content.as_slice())?;
    }
    Ok(tar.into_inner()?)
}

fn zip(folder: &str, files: &[&File], epoch: u64) -> Result<Vec<u8>> {
    let time = date_time(epoch)?;
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        let options = options.compression_level(Some(9)).last_modified_time(time).unix_permissions(file.mode());
        zip.start_file(format!("{folder}/{}", file.path), options)?;
        zip.write_all(&file.content)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// A time as zip has it, in UTC.
fn date_time(epoch: u64) -> Result<DateTime> {
    let time = OffsetDateTime::from_unix_timestamp(i64::try_from(epoch)?)?;
    let date_time = DateTime::from_date_and_time(
        u16::try_from(time.year())?,
        time.month().into(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
    );
    date_time.context("zip knows no date before 1980")
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u64 = 1_700_000_000;

    fn files() -> Vec<File> {
        let program = File { executable: true, ..File::new("b/run", "x") };
        vec![program, File::new("a", vec![7; 100_000]), File::new("ä b", "")]
    }

    #[test]
    fn the_order_of_the_files_makes_no_difference() {
        let mut turned = files();
        turned.reverse();
        for archive in ["x.tar.gz", "x.tar.xz", "x.zip"] {
            let packed = pack(archive, "f", &files(), EPOCH).unwrap();
            assert!(packed == pack(archive, "f", &turned, EPOCH).unwrap(), "{archive}");
            assert!(packed != pack(archive, "f", &files(), EPOCH + 60).unwrap(), "{archive}: it has no date");
            assert!(packed.len() < 2_000, "{archive}: it is not compressed");
        }
    }

    #[test]
    fn a_tar_tells_nothing_of_this_machine() {
        let packed = pack("x.tar.gz", "f", &files(), EPOCH).unwrap();
        // Of gzip's head: no flags (a name would be one), no time.
        assert_eq!(packed[3..8], [0; 5]);
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
        let entries = tar.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let (header, path) = (entry.header(), entry.path().unwrap().display().to_string());
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, EPOCH));
            assert_eq!((header.username().unwrap(), header.groupname().unwrap()), (Some(""), Some("")));
            (path, header.mode().unwrap())
        });
        let entries: Vec<(String, u32)> = entries.collect();
        let expected = [("f/a", 0o644), ("f/b/run", 0o755), ("f/ä b", 0o644)];
        assert_eq!(entries, expected.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn a_time_is_one_of_the_calendar() {
        assert_eq!(date_time(EPOCH).unwrap().to_string(), "2023-11-14 22:13:20");
        assert!(date_time(0).is_err());
    }
}
