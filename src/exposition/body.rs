//! The bytes of one page, as a list of parts.

use std::io::{self, Read as _};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use flate2::read::GzDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

use super::{Encoding, Format};

/// gzip's own default; what higher levels save costs several times the work.
const LEVEL: u32 = 6;

/// A piece shorter than this is copied and packed together with its neighbours at each scrape: a gzip member of its
/// own would cost more bytes than that costs time.
const SHORT: usize = 4096;

/// A page, ready to be sent.
#[derive(Clone, Debug)]
pub struct Body {
    /// The format.
    pub format: Format,
    /// How the parts are packed.
    pub encoding: Encoding,
    /// The bytes, one part after the other.
    pub parts: Vec<Bytes>,
}

impl Body {
    /// How many bytes all parts have together.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

/// Text that is kept.
#[derive(Debug)]
pub(super) enum Piece {
    /// It is copied.
    Short(Box<str>),
    /// It is a part of its own.
    Long(LongText),
}

/// A part of its own. Text that is made for a scrape with gzip is kept packed alone, as the text is far longer; the other
/// form is made once it is asked for, and kept beside the first.
#[derive(Debug)]
pub(super) struct LongText {
    /// Of the text, bytes.
    length: usize,
    text: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
}

impl Piece {
    /// Keeps `text` for scrapes of this encoding.
    pub(super) fn new(text: String, encoding: Encoding) -> Self {
        if text.len() < SHORT {
            return Self::Short(text.into_boxed_str());
        }
        let packed = if encoding == Encoding::Gzip { gzip(text.as_bytes()).ok() } else { None };
        let part = LongText { length: text.len(), text: OnceLock::new(), gzip: OnceLock::new() };
        let _ = match packed {
            Some(member) => part.gzip.set(member),
            None => part.text.set(Bytes::from(text.into_bytes().into_boxed_slice())),
        };
        Self::Long(part)
    }

    pub(super) fn length(&self) -> usize {
        match self {
            Self::Short(text) => text.len(),
            Self::Long(part) => part.length,
        }
    }

    /// Whether it need not be packed or unpacked for this encoding.
    pub(super) fn is_at_hand(&self, encoding: Encoding) -> bool {
        match (self, encoding) {
            (Self::Short(_), _) => true,
            (Self::Long(part), Encoding::Identity) => part.text.get().is_some(),
            (Self::Long(part), Encoding::Gzip) => part.gzip.get().is_some(),
        }
    }

    /// How many bytes it holds.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        let length = |form: &OnceLock<Bytes>| form.get().map_or(0, Bytes::len);
        match self {
            Self::Short(text) => text.len(),
            Self::Long(part) => length(&part.text) + length(&part.gzip),
        }
    }
}

impl LongText {
    fn text(&self) -> io::Result<Bytes> {
        if let Some(text) = self.text.get() {
            return Ok(text.clone());
        }
        let mut text = Vec::with_capacity(self.length);
        GzDecoder::new(&*self.gzip()?).read_to_end(&mut text)?;
        Ok(self.text.get_or_init(|| Bytes::from(text.into_boxed_slice())).clone())
    }

    fn gzip(&self) -> io::Result<Bytes> {
        if let Some(member) = self.gzip.get() {
            return Ok(member.clone());
        }
        let text = self.text.get().map(|text| &**text).unwrap_or_default();
        let member = gzip(text)?;
        Ok(self.gzip.get_or_init(|| member).clone())
    }
}

/// The short text of the last page of each format, in its order, with what was packed from it. Most of it is the same
/// at the next scrape.
#[derive(Debug, Default)]
pub(super) struct PackedShort(Mutex<[Vec<(String, Bytes)>; 2]>);

impl Clone for PackedShort {
    /// A changed page has other short text.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PackedShort {
    fn member(&self, format: Format, position: usize, text: String) -> io::Result<Bytes> {
        let mut packed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = &mut packed[usize::from(format == Format::OpenMetrics)];
        if let Some((kept, member)) = list.get(position)
            && *kept == text
        {
            return Ok(member.clone());
        }
        let member = gzip(text.as_bytes())?;
        match list.get_mut(position) {
            Some(kept) => *kept = (text, member.clone()),
            None => list.push((text, member.clone())),
        }
        Ok(member)
    }
}

/// Puts a body together.
pub(super) struct Assembly<'a> {
    body: Body,
    short: String,
    packed: &'a PackedShort,
    packed_count: usize,
}

impl<'a> Assembly<'a> {
    pub(super) const fn new(format: Format, encoding: Encoding, packed: &'a PackedShort) -> Self {
        let body = Body { format, encoding, parts: Vec::new() };
        Self { body, short: String::new(), packed, packed_count: 0 }
    }

    /// Begins a part of its own.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        self.flush()
    }

    /// Where short text is to be written that comes next.
    pub(super) const fn short(&mut self) -> &mut String {
        &mut self.short
    }

    /// Adds a piece.
    pub(super) fn piece(&mut self, piece: &Piece) -> io::Result<()> {
        let part = match piece {
            Piece::Short(text) => {
                self.short.push_str(text);
                return Ok(());
            }
            Piece::Long(part) => part,
        };
        self.flush()?;
        self.body.parts.push(match self.body.encoding {
            Encoding::Identity => part.text()?,
            Encoding::Gzip => part.gzip()?,
        });
        Ok(())
    }

    /// The whole.
    pub(super) fn finish(mut self) -> io::Result<Body> {
        self.flush()?;
        if self.body.parts.is_empty() && self.body.encoding == Encoding::Gzip {
            // No bytes at all are no gzip stream.
            self.body.parts.push(gzip(&[])?);
        }
        Ok(self.body)
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.short.is_empty() {
            let text = std::mem::take(&mut self.short);
            self.body.parts.push(match self.body.encoding {
                Encoding::Identity => Bytes::from(text),
                Encoding::Gzip => {
                    let position = self.packed_count;
                    self.packed_count += 1;
                    self.packed.member(self.body.format, position, text)?
                }
            });
        }
        Ok(())
    }
}

/// The largest that gzip allows.
const WINDOW_BITS: u8 = 15;

/// What packed last. It has some 300 KB of tables: making them costs more than packing a short text does, and one for
/// each thread would stay in memory.
static SPARE: Mutex<Option<Compress>> = Mutex::new(None);

fn spare() -> MutexGuard<'static, Option<Compress>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One gzip member. Writing to memory does not fail, though its type says that it may.
pub(crate) fn gzip(text: &[u8]) -> io::Result<Bytes> {
    let taken = spare().take();
    let mut packer = taken.unwrap_or_else(|| Compress::new_gzip(Compression::new(LEVEL), WINDOW_BITS));
    let mut member = Vec::with_capacity(text.len() / 8);
    let mut rest = text;
    loop {
        // Room for a header at the least; without any, nothing would ever be written.
        member.reserve(1024);
        let before = packer.total_in();
        let status = packer.compress_vec(rest, &mut member, FlushCompress::Finish)?;
        let read = usize::try_from(packer.total_in() - before).map_err(io::Error::other)?;
        rest = rest.get(read..).unwrap_or_default();
        if status == Status::StreamEnd {
            break;
        }
    }
    packer.reset();
    *spare() = Some(packer);
    Ok(Bytes::from(member.into_boxed_slice()))
}
