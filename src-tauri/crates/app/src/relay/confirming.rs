//! Who writes the mail with which people confirm what they agreed to in a form.

use crate::Ctx;
use crate::error::Result;
use crate::journeys;
use crate::table::NoArgs;
use carillon_store::{Db, templates};
use std::collections::BTreeSet;

/// The name of the link that confirms an address, as a template has it.
pub(crate) const CONFIRM: &str = "confirm_url";

/// Names of the live journeys that send a mail with the link. Without one of them nobody who fills in a form with double
/// opt-in ever gets a permission.
pub(super) async fn confirming(cx: &Ctx, _: NoArgs) -> Result<Vec<String>> {
    Ok(cx.open()?.store.read(writers).await?)
}

fn writers(db: &Db<'_>) -> carillon_store::Result<Vec<String>> {
    let with_link: BTreeSet<String> = templates::list(db)?
        .into_iter()
        .filter(|template| template.body.contains(CONFIRM) || template.text.contains(CONFIRM))
        .map(|template| template.name)
        .collect();
    journeys::live_with(db, &with_link)
}
