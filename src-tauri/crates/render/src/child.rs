//! The talk between `app` and the child process that renders.
//!
//! A frame is four bytes of length (big endian) and that many bytes of JSON. `app` writes one [`Request`]; the
//! child answers with one [`Response`] for each context, in order, and waits for the next request. The end of its
//! input is the end of the child. What bounds its memory and time is around it, in `app`.

use crate::context::{Context, ErrorKind, Fallible, RenderError, Rendered, Sender, TemplateParts};
use crate::template::{Missing, Prepared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{Read, Write};

/// Bytes of one frame.
pub const FRAME_BYTES: usize = 32 * 1024 * 1024;

/// Templates that are kept from one request to the next: mails that leave one by one have few of them.
const KEPT: usize = 4;
/// Bytes of their sources together; what is kept must leave the memory to the messages.
const KEPT_BYTES: usize = 256 * 1024;

/// What is wanted for each context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The whole message.
    Render,
    /// Only the paths without a value: no MJML is made, so it is several times faster.
    Missing,
}

/// A template and the contacts to render it for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub template: TemplateParts,
    pub sender: Sender,
    pub mode: Mode,
    pub contexts: Vec<Context>,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    /// Place in the request's contexts.
    pub index: usize,
    pub result: Result<Output, RenderError>,
}

/// What a render gave, by the request's mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    Message(Rendered),
    Missing(Missing),
}

/// Writes one frame and flushes.
pub fn write_frame(out: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    let body = serde_json::to_vec(value)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|n| *n as usize <= FRAME_BYTES);
    let length = length.ok_or_else(|| std::io::Error::other("a frame is too long"))?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&body)?;
    out.flush()
}

/// Reads one frame; none at the end of the input.
pub fn read_frame<T: DeserializeOwned>(input: &mut impl Read) -> std::io::Result<Option<T>> {
    let mut length = [0; 4];
    match input.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => input.read_exact(&mut length[1..])?,
    }
    let length = u32::from_be_bytes(length) as usize;
    if length > FRAME_BYTES {
        return Err(std::io::Error::other("a frame is too long"));
    }
    // Grown as it is read: the length alone makes nothing.
    let mut body = Vec::new();
    input.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

/// Serves requests until the input ends. Returns the exit code of the process: 0, or 1 for a broken talk.
pub fn child_main(mut input: impl Read, mut output: impl Write) -> i32 {
    let mut shelf = Shelf::default();
    loop {
        match read_frame::<Request>(&mut input) {
            Ok(Some(request)) => {
                if serve(&request, &mut shelf, &mut output).is_err() {
                    return 1;
                }
            }
            Ok(None) => return 0,
            Err(_) => return 1,
        }
    }
}

fn serve(request: &Request, shelf: &mut Shelf, output: &mut impl Write) -> std::io::Result<()> {
    let prepared = shelf.take(&request.template);
    for (index, context) in request.contexts.iter().enumerate() {
        let result = prepared
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|template| match request.mode {
                Mode::Render => template.render(context, &request.sender).map(Output::Message),
                Mode::Missing => template.missing(context, &request.sender).map(Output::Missing),
            });
        write_frame(output, &Response { index, result })?;
    }
    if let Ok(prepared) = prepared {
        shelf.put(&request.template, prepared);
    }
    Ok(())
}

/// The last templates, the latest first, each known by all of its words.
#[derive(Default)]
struct Shelf {
    kept: Vec<(TemplateParts, Prepared)>,
}

impl Shelf {
    /// One that was kept, or read anew.
    fn take(&mut self, parts: &TemplateParts) -> Fallible<Prepared> {
        match self.kept.iter().position(|(kept, _)| kept == parts) {
            Some(at) => Ok(self.kept.remove(at).1),
            None => Prepared::new(parts),
        }
    }

    fn put(&mut self, parts: &TemplateParts, prepared: Prepared) {
        self.kept.insert(0, (parts.clone(), prepared));
        let mut bytes = 0;
        let fits = |(parts, _): &(TemplateParts, Prepared)| {
            bytes += parts.bytes();
            bytes <= KEPT_BYTES
        };
        let count = self
            .kept
            .iter()
            .take(KEPT)
            .map(fits)
            .take_while(|fits| *fits)
            .count();
        self.kept.truncate(count);
    }
}

/// The error of a render that took the child more memory or time than a message may.
pub fn stopped() -> RenderError {
    RenderError::new(ErrorKind::Stopped, "This template needs too much memory or time.")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_as_they_were_sent() {
        let mut wire = Vec::new();
        write_frame(&mut wire, &vec!["ä", "b"]).unwrap();
        write_frame(&mut wire, &vec!["c"]).unwrap();
        let mut input = wire.as_slice();
        assert_eq!(
            read_frame::<Vec<String>>(&mut input).unwrap().unwrap(),
            ["ä", "b"]
        );
        assert_eq!(read_frame::<Vec<String>>(&mut input).unwrap().unwrap(), ["c"]);
        assert!(read_frame::<Vec<String>>(&mut input).unwrap().is_none());
    }

    #[test]
    fn a_template_is_kept_for_the_next_request_within_bounds() {
        let parts = |body: String| TemplateParts {
            subject: "x".into(),
            body,
            ..TemplateParts::default()
        };
        let mut shelf = Shelf::default();
        let kept = |shelf: &Shelf| shelf.kept.iter().map(|(p, _)| p.body.clone()).collect::<Vec<_>>();
        for n in [0, 1, 2, 0, 3, 4] {
            let parts = parts(n.to_string());
            let prepared = shelf.take(&parts).unwrap();
            shelf.put(&parts, prepared);
        }
        assert_eq!(kept(&shelf), ["4", "3", "0", "2"]);
        let large = parts("y".repeat(KEPT_BYTES - 3));
        let prepared = shelf.take(&large).unwrap();
        shelf.put(&large, prepared);
        assert_eq!(kept(&shelf), [large.body.as_str(), "4"]);
        let larger = parts("y".repeat(KEPT_BYTES));
        let prepared = shelf.take(&larger).unwrap();
        shelf.put(&larger, prepared);
        assert!(
            shelf.kept.is_empty(),
            "one that is too large leaves nothing behind"
        );
    }

    #[test]
    fn broken_frames_end_the_talk_and_take_no_memory() {
        for wire in [
            &b"\xff\xff\xff\xff"[..],
            b"\x00\x00\x00\x09{",
            b"\x00",
            b"\x00\x00\x00\x02no",
        ] {
            assert_eq!(child_main(wire, &mut Vec::new()), 1, "{wire:?}");
        }
        assert_eq!(child_main(&b""[..], &mut Vec::new()), 0);
    }
}
