/** What a step does, in one line, from its settings. */
import type { Setting } from "@/api/gen/Setting";
import type { Step } from "@/api/gen/Step";
import { moment, money, shortDay } from "@/format";
import { formatLocale, t, tx } from "@/i18n";
import { branchesOf, type Catalogue } from "./catalogue";

export function titleOfKind(kind: string): string {
  return tx(`steps.${kind}.title`, words(kind));
}

export function aboutKind(kind: string): string {
  return tx(`steps.${kind}.about`, "");
}

export function titleOf(step: Step): string {
  return step.name || titleOfKind(step.kind);
}

/** What people read at a port: the branch's own name, else the words of the kind. */
export function portName(step: Step, port: string): string {
  const branch = branchesOf(step).find((one) => one.port === port);
  if (branch) return branch.name || port.toUpperCase();
  return tx(`steps.${step.kind}.ports.${port}`, tx(`journeys.ports.${port}`, words(port)));
}

export function words(name: string): string {
  const spaced = name.replace(/_/g, " ");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

const list = new Intl.ListFormat(formatLocale, { type: "unit", style: "short" });

type Settings = Record<string, unknown>;

const text = (settings: Settings, name: string): string =>
  typeof settings[name] === "string" ? (settings[name] as string).trim() : "";

/** `3 days`. */
export function duration(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  const { amount, unit } = value as { amount?: unknown; unit?: unknown };
  if (typeof amount !== "number" || typeof unit !== "string") return "";
  return tx(`journeys.unit.${unit}`, `${amount} ${unit}`, { count: amount });
}

/** `Mon–Fri`, `Mon, Thu`. */
export function days(value: unknown): string {
  const order = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
  const chosen = order.filter((day) => Array.isArray(value) && value.includes(day));
  const name = (day: string) => tx(`journeys.day.${day}`, day);
  if (chosen.length === 7) return t("journeys.day.every");
  const first = order.indexOf(chosen[0] ?? "");
  const whole = chosen.length > 2 && chosen.every((day, at) => order[first + at] === day);
  return whole ? `${name(chosen[0] ?? "")}–${name(chosen[chosen.length - 1] ?? "")}` : chosen.map(name).join(", ");
}

/** A condition without the noise that a card has no room for. */
export function condition(value: string): string {
  return value.replace(/\s+/g, " ").replace(/"([^"\\]*)"/g, "“$1”");
}

/** One line, or an invitation to say what is missing. */
export function summaryOf(step: Step, catalogue: Catalogue): string {
  const settings = step.settings ?? {};
  const missing = missingSetting(step, catalogue);
  if (missing) return unsetText(missing);
  return lines[step.kind]?.(settings, step) || aboutKind(step.kind);
}

/** The first required setting that says nothing yet. */
export function missingSetting(step: Step, catalogue: Catalogue): Setting | undefined {
  return catalogue
    .of(step.kind)
    ?.settings.find((setting) => setting.required && isUnset(step.settings?.[setting.name]));
}

/** The invitation to fill a setting in. */
export function unsetText(setting: Setting): string {
  return tx(`journeys.unset.${setting.form}`, t("journeys.unset.other"));
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

const lines: Record<string, (settings: Settings, step: Step) => string> = {
  entry_segment: (s) =>
    t(text(s, "on") === "left" ? "journeys.summary.segment_left" : "journeys.summary.segment_entered", {
      segment: text(s, "segment"),
    }),
  entry_event: (s) => withWhere(t("journeys.summary.event", { event: text(s, "event") }), s),
  entry_date: (s) => {
    const offset = typeof s.offset_days === "number" ? s.offset_days : 0;
    const key = offset === 0 ? "date_on" : offset < 0 ? "date_before" : "date_after";
    const line = t(`journeys.summary.${key}`, { field: text(s, "field"), count: Math.abs(offset) });
    return s.yearly === true ? t("journeys.summary.yearly", { line }) : line;
  },
  entry_schedule: (s) => schedule(s),
  entry_manual: () => t("journeys.summary.manual"),
  wait: (s) => t("journeys.summary.wait", { time: duration(s.for) }),
  wait_window: (s) => t("journeys.summary.window", { days: days(s.days), from: text(s, "from"), to: text(s, "to") }),
  wait_until: (s) => t("journeys.summary.until_moment", { at: text(s, "at") }),
  wait_date: (s) => {
    const offset = s.offset as { amount?: number } | undefined;
    const key = !offset?.amount ? "until" : text(s, "direction") === "after" ? "until_after" : "until_before";
    return t(`journeys.summary.${key}`, { field: text(s, "field"), time: duration(s.offset) });
  },
  wait_event: (s) => t("journeys.summary.wait_event", { event: text(s, "event"), time: duration(s.timeout) }),
  wait_response: (s) =>
    t("journeys.summary.wait_response", {
      response: tx(`journeys.summary.response.${text(s, "response")}`, text(s, "response")),
      time: duration(s.timeout),
    }),
  if_else: (s) => t("journeys.summary.if", { when: condition(text(s, "when")) }),
  split: (_, step) => {
    const names = branchesOf(step).map((branch) => branch.name || branch.port.toUpperCase());
    return list.format([...names, portName(step, "else")]);
  },
  random: (_, step) =>
    branchesOf(step)
      .map((branch) => `${branch.name || branch.port.toUpperCase()} ${branch.percent ?? 0} %`)
      .join(" · "),
  send_email: (s) =>
    text(s, "account") === ""
      ? t("journeys.summary.send", { template: text(s, "template") })
      : t("journeys.summary.send_from", { template: text(s, "template"), account: text(s, "account") }),
  set_field: (s) =>
    s.value === null || s.value === undefined
      ? t("journeys.summary.clear_field", { field: text(s, "field") })
      : t("journeys.summary.set_field", { field: text(s, "field"), value: plain(s.value) }),
  add_tag: (s) => t("journeys.summary.add_tag", { tag: text(s, "tag") }),
  remove_tag: (s) => t("journeys.summary.remove_tag", { tag: text(s, "tag") }),
  change_score: (s) => t("journeys.summary.change_score", { points: plain(s.points), score: text(s, "score") }),
  post_event: (s) => t("journeys.summary.post_event", { event: text(s, "event") }),
  goal: (s) => t("journeys.summary.goal", { when: condition(text(s, "when")) }),
  exit: (s) => t("journeys.summary.exit", { reason: words(text(s, "reason")) }),
};

function withWhere(line: string, settings: Settings): string {
  const where = text(settings, "where");
  return where === "" ? line : t("journeys.summary.where", { line, where: condition(where) });
}

function schedule(settings: Settings): string {
  const rule = (settings.rule ?? {}) as { every?: string; on?: string; days?: unknown; day?: number };
  const at = text(settings, "at") || "09:00";
  switch (rule.every) {
    case "once":
      return t("journeys.summary.once", { date: rule.on ? shortDay(rule.on) : "…", at });
    case "week":
      return t("journeys.summary.weekly", { days: days(rule.days), at });
    case "month":
      return t("journeys.summary.monthly", { day: rule.day ?? 1, at });
    default:
      return t("journeys.summary.daily", { at });
  }
}

function plain(value: unknown): string {
  if (typeof value === "object" && value !== null && "minor" in value) {
    const { minor, currency } = value as { minor: number; currency: string };
    return money(minor, currency);
  }
  if (typeof value === "string" && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(value)) return moment(value);
  if (typeof value === "boolean") return t(value ? "common.yes" : "common.no");
  return Array.isArray(value) ? value.join(", ") : String(value);
}
