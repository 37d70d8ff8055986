// An import that was interrupted, and what can be done about it.
import type { ImportRow } from "@/api/gen/ImportRow";

/**
 * What is said of an import that did not come to its end: a list goes on where it stopped, a file of events is
 * imported again, because no line of it counts twice. `null`: nothing is to be done.
 */
export function wayOn(row: ImportRow): "interrupted" | "interrupted_events" | null {
  if (row.resumable) return "interrupted";
  return row.what === "events" && (row.state === "failed" || row.state === "cancelled") ? "interrupted_events" : null;
}
