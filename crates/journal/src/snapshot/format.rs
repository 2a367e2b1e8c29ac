//! The bytes of a snapshot file.
//!
//! ```text
//! magic "potluck-snapshot" | format u16 | seq u64 | hash 32 bytes
//! chunks: len u32 (1 to 64 MiB) | crc32c u32 | bytes
//! end:    0 u32 | content length u64 | SHA-256 of everything before it
//! ```
//!
//! Numbers are little-endian. Why both checksums: that of a chunk is checked before its bytes are
//! used, in a second reading of the file too; the SHA-256 says that no chunk is missing.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

use crate::Mark;
use crate::error::SkipReason;
use crate::snapshot::MAX_CHUNK_BYTES;

const MAGIC: &[u8; 16] = b"potluck-snapshot";

/// The format this program writes and reads.
const FORMAT: u16 = 1;

/// How much is gathered before it is written. Far below what a reader accepts: a chunk stands in
/// memory once while writing and once while reading.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Writes the content of a snapshot in chunks.
#[derive(Debug)]
pub(crate) struct ChunkWriter<W> {
    out: Hashed<W>,
    chunk: Vec<u8>,
    content_bytes: u64,
}

impl<W: Write> ChunkWriter<W> {
    /// Writes the header.
    pub(crate) fn start(out: W, at: Mark) -> io::Result<Self> {
        let mut out = Hashed {
            inner: out,
            hasher: Sha256::new(),
        };
        out.write_all(MAGIC)?;
        out.write_all(&FORMAT.to_le_bytes())?;
        out.write_all(&at.seq.to_le_bytes())?;
        out.write_all(&at.hash)?;
        Ok(ChunkWriter {
            out,
            chunk: Vec::with_capacity(CHUNK_BYTES),
            content_bytes: 0,
        })
    }

    /// Writes what is left and the end; returns what was written to.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.write_chunk()?;
        self.out.write_all(&0_u32.to_le_bytes())?;
        self.out.write_all(&self.content_bytes.to_le_bytes())?;
        let Hashed { mut inner, hasher } = self.out;
        inner.write_all(&hasher.finalize())?;
        inner.flush()?;
        Ok(inner)
    }

    fn write_chunk(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(self.chunk.len()).expect("a chunk is far below 4 GiB");
        self.out.write_all(&length.to_le_bytes())?;
        self.out
            .write_all(&crc32c::crc32c(&self.chunk).to_le_bytes())?;
        self.out.write_all(&self.chunk)?;
        self.content_bytes += u64::from(length);
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for ChunkWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.chunk.len() == CHUNK_BYTES {
            self.write_chunk()?;
        }
        let taken = bytes.len().min(CHUNK_BYTES - self.chunk.len());
        self.chunk.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    /// Does nothing: the file is synced as a whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads the content of a snapshot, checking each chunk before any of it is handed out, and the
/// end before saying that there is no more.
#[derive(Debug)]
pub(crate) struct ChunkReader<R> {
    input: Hashed<R>,
    chunk: Vec<u8>,
    used: usize,
    pub(crate) content_bytes: u64,
    ended: bool,
}

impl<R: Read> ChunkReader<R> {
    /// Reads the header.
    pub(crate) fn start(input: R) -> Result<(Self, Mark), SkipReason> {
        let mut input = Hashed {
            inner: input,
            hasher: Sha256::new(),
        };
        if &input.take::<16>()? != MAGIC {
            return Err(SkipReason::Damaged {
                what: "it does not begin like a snapshot".into(),
            });
        }
        let format = u16::from_le_bytes(input.take()?);
        if format != FORMAT {
            return Err(SkipReason::UnknownFormat {
                found: format,
                known: FORMAT,
            });
        }
        let at = Mark {
            seq: u64::from_le_bytes(input.take()?),
            hash: input.take()?,
        };
        let (chunk, used, content_bytes, ended) = (Vec::new(), 0, 0, false);
        Ok((
            ChunkReader {
                input,
                chunk,
                used,
                content_bytes,
                ended,
            },
            at,
        ))
    }

    /// Reads the next chunk, or the end.
    fn advance(&mut self) -> io::Result<()> {
        self.used = 0;
        self.chunk.clear();
        let length = u32::from_le_bytes(self.input.take()?);
        if length == 0 {
            return self.end();
        }
        if MAX_CHUNK_BYTES < length as usize {
            return Err(damaged(format!(
                "a chunk of {length} bytes is longer than allowed"
            )));
        }
        let place = self.content_bytes;
        let stored = u32::from_le_bytes(self.input.take()?);
        // Grows as bytes arrive: a damaged length in a short file must not cost 64 MiB.
        let read = self.input.take_bytes(u64::from(length), &mut self.chunk)?;
        if read != length as usize {
            return Err(damaged(format!(
                "the chunk at byte {place} of the content is cut short"
            )));
        }
        let computed = crc32c::crc32c(&self.chunk);
        if computed != stored {
            return Err(damaged(format!(
                "the chunk at byte {place} of the content has checksum {computed:08x}, \
                 but {stored:08x} was written"
            )));
        }
        self.content_bytes += u64::from(length);
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let counted = u64::from_le_bytes(self.input.take()?);
        if counted != self.content_bytes {
            let found = self.content_bytes;
            return Err(damaged(format!(
                "{counted} bytes were written, but it holds {found}"
            )));
        }
        let computed: [u8; 32] = self.input.hasher.clone().finalize().into();
        if computed != self.input.take::<32>()? {
            return Err(damaged("its hash is not the one that was written".into()));
        }
        if self.input.inner.read(&mut [0])? != 0 {
            return Err(damaged("something follows its end".into()));
        }
        self.ended = true;
        Ok(())
    }
}

impl<R: Read> Read for ChunkReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.chunk.len() && !self.ended && !buffer.is_empty() {
            self.advance()?;
        }
        let rest = &self.chunk[self.used..];
        let given = rest.len().min(buffer.len());
        buffer[..given].copy_from_slice(&rest[..given]);
        self.used += given;
        Ok(given)
    }
}

impl From<io::Error> for SkipReason {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::InvalidData {
            return SkipReason::Damaged {
                what: error.to_string(),
            };
        }
        SkipReason::Unreadable(error)
    }
}

fn damaged(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Hashes what passes through.
#[derive(Debug)]
struct Hashed<T> {
    inner: T,
    hasher: Sha256,
}

impl<W: Write> Hashed<W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.inner.write_all(bytes)
    }
}

impl<R: Read> Hashed<R> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                return damaged("it is cut short".into());
            }
            error
        })?;
        self.hasher.update(bytes);
        Ok(bytes)
    }

    fn take_bytes(&mut self, length: u64, into: &mut Vec<u8>) -> io::Result<usize> {
        let read = (&mut self.inner).take(length).read_to_end(into)?;
        self.hasher.update(&*into);
        Ok(read)
    }
}
