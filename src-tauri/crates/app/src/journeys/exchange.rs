//! A journey as a file: out, and in as a draft.

use super::{
    ExportJourney, ImportFile, ImportText, Imported, JourneyText, OneJourney, SaveJourney, free_name, row,
    save,
};
use crate::Ctx;
use crate::error::{Code, Result, fail};
use crate::files::{Saved, read_text, write_whole};
use carillon_engine::journey;
use carillon_store::journeys as rows;

pub(super) async fn export(cx: &Ctx, req: OneJourney) -> Result<JourneyText> {
    let row = row(cx.open()?, req.id).await?;
    Ok(JourneyText {
        name: row.name,
        text: journey::canonical(&row.draft),
    })
}

pub(super) async fn export_file(cx: &Ctx, req: ExportJourney) -> Result<Saved> {
    let (path, saved) = cx.save(&req.to)?;
    let written = export(cx, OneJourney { id: req.id }).await?;
    write_whole(&path, written.text.as_bytes())?;
    Ok(saved)
}

pub(super) async fn import(cx: &Ctx, req: ImportText) -> Result<Imported> {
    let open = cx.open()?;
    let mut document =
        journey::read(&req.text).map_err(|e| fail(Code::Invalid, "journeys.not_json", &[("detail", &e)]))?;
    let name = document.name.clone();
    let known = open.store.read(move |db| rows::by_name(db, &name)).await?;
    if known.is_some() {
        document.name = free_name(open, &document.name).await?;
    }
    let name = document.name.clone();
    let saved = save(
        cx,
        SaveJourney {
            id: None,
            document,
            revision: None,
        },
    )
    .await?;
    Ok(Imported {
        id: saved.id,
        name,
        problems: saved.problems,
    })
}

pub(super) async fn import_file(cx: &Ctx, req: ImportFile) -> Result<Imported> {
    let text = read_text(&cx.path(&req.file)?, journey::FILE_BYTES_ALLOWED as u64)?;
    import(cx, ImportText { text }).await
}
