// Numbers, moments and values as people read them: always through Intl with a locale that was checked.
import type { Value } from "@/api/gen/Value";
import { formatLocale, t } from "@/i18n";

const integer = new Intl.NumberFormat(formatLocale, { maximumFractionDigits: 0 });
const decimal = new Intl.NumberFormat(formatLocale, { maximumFractionDigits: 4 });
const percentage = new Intl.NumberFormat(formatLocale, { style: "percent", maximumFractionDigits: 1 });
const signed = new Intl.NumberFormat(formatLocale, { maximumFractionDigits: 1, signDisplay: "exceptZero" });
const compactNumber = new Intl.NumberFormat(formatLocale, { notation: "compact", maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat(formatLocale, { numeric: "auto" });

export const count = (n: number) => integer.format(n);
export const number = (n: number) => decimal.format(n);
export const percent = (share: number) => percentage.format(share);
export const compact = (n: number) => compactNumber.format(n);

/** Points of a score from thousandths, to the tenth and with their sign: `+12.5`. */
export const signedPoints = (milli: number) => signed.format(milli / 1000);

/** Bytes with a binary unit: `1.4 MB`. */
export function bytes(n: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const step = n < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(n) / 10));
  return new Intl.NumberFormat(formatLocale, {
    style: "unit",
    unit: units[step] ?? "byte",
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step === 0 ? 0 : 1,
  }).format(n / 1024 ** step);
}

let zone: string | undefined;
let asked: string | undefined;

/** The zone moments are shown in: the workspace's. An unknown name falls back to the system's zone. */
export function setZone(name: string | undefined): void {
  if (name === asked) return;
  asked = name;
  try {
    new Intl.DateTimeFormat(formatLocale, { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
  formats.clear();
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(style: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = formats.get(style);
  if (found === undefined) {
    found = new Intl.DateTimeFormat(formatLocale, { ...options, timeZone: options.timeZone ?? zone });
    formats.set(style, found);
  }
  return found;
}

const readable = (at: string): Date | null => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date;
};

/** `22 Nov 2026`. */
export function day(at: string): string {
  const date = readable(at);
  return date === null ? at : format("day", { dateStyle: "medium" }).format(date);
}

/** `22 Nov 2026, 14:05`. */
export function moment(at: string): string {
  const date = readable(at);
  return date === null ? at : format("moment", { dateStyle: "medium", timeStyle: "short" }).format(date);
}

/** `Sun 22 Nov, 14:05`: the clock in the top bar. */
export function clock(at: string): string {
  const date = readable(at);
  if (date === null) return at;
  const options = {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
  } as const;
  return format("clock", options).format(date);
}

/** `22 Nov`, of a calendar date that has no zone. */
export function shortDay(date: string): string {
  const read = readable(date.length === 10 ? `${date}T00:00:00Z` : date);
  if (read === null) return date;
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "short" };
  return date.length === 10
    ? format("shortDate", { ...options, timeZone: "UTC" }).format(read)
    : format("shortDay", options).format(read);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** `3 days ago`, `in 2 hours`, against the workspace's clock. */
export function ago(at: string, now: string): string {
  const then = readable(at);
  const from = readable(now);
  if (then === null || from === null) return at;
  const seconds = (then.getTime() - from.getTime()) / 1000;
  for (const [unit, length] of STEPS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit);
  }
  return t("common.just_now");
}

/** A field's value in one line. */
export function value(of: Value | undefined | null): string {
  if (of === undefined || of === null) return "";
  switch (of.type) {
    case "text":
    case "choice":
      return of.value;
    case "number":
      return number(of.value);
    case "money":
      return money(of.value.minor, of.value.currency);
    case "yes_no":
      return of.value ? t("common.yes") : t("common.no");
    case "multi_choice":
      return of.value.join(", ");
    case "date": {
      const read = readable(`${of.value}T00:00:00Z`);
      return read === null ? of.value : format("date", { dateStyle: "medium", timeZone: "UTC" }).format(read);
    }
    case "date_time":
      return moment(of.value);
  }
}

/** Decimals of a currency: 2 for EUR, 0 for JPY, 3 for KWD. */
export function currencyDigits(currency: string): number {
  try {
    return new Intl.NumberFormat("en-US", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** Minor units in their currency; the number of decimals is the currency's own. */
export function money(minor: number, currency: string): string {
  try {
    return new Intl.NumberFormat(formatLocale, { style: "currency", currency }).format(
      minor / 10 ** currencyDigits(currency),
    );
  } catch {
    return `${number(minor)} ${currency}`;
  }
}
