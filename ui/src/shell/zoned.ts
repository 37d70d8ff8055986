// Wall-clock times of a zone as the browser's own `datetime-local` field wants them. The engine does all other
// zone arithmetic.

/** Minutes by which the zone is ahead of UTC at a moment. */
function aheadMinutes(at: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  }).formatToParts(at);
  const read = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const wall = Date.UTC(read("year"), read("month") - 1, read("day"), read("hour"), read("minute"));
  return Math.round((wall - Math.floor(at / 60_000) * 60_000) / 60_000);
}

/** `2026-11-22T14:05` on the walls of the zone; nothing where `at` is no moment. */
export function toZoned(at: string, zone: string): string {
  const moment = new Date(at).getTime();
  if (Number.isNaN(moment)) return "";
  return new Date(moment + aheadMinutes(moment, zone) * 60_000).toISOString().slice(0, 16);
}

/**
 * The moment of a wall-clock time. An hour that the zone skips becomes the hour after it; of one that it has
 * twice, the first is meant. Null where the text is no time.
 */
export function fromZoned(text: string, zone: string): string | null {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text)) return null;
  const wall = new Date(`${text.slice(0, 16)}:00Z`).getTime();
  if (Number.isNaN(wall)) return null;
  // The offset a day before is right but for the hours between a change and this moment; then the later one is.
  const before = wall - aheadMinutes(wall - 86_400_000, zone) * 60_000;
  const fits = (at: number) => at + aheadMinutes(at, zone) * 60_000 === wall;
  if (fits(before)) return new Date(before).toISOString();
  const after = wall - aheadMinutes(wall + 86_400_000, zone) * 60_000;
  return new Date(fits(after) ? after : before).toISOString();
}
