/** The catalogue as the program has it, for work on the screens alone and for tests. Never shipped. */
import type { Form } from "../api/gen/Form";
import type { Group } from "../api/gen/Group";
import type { Setting } from "../api/gen/Setting";
import type { StepKindFace } from "../api/gen/StepKindFace";

const must = (name: string, form: Form, options?: string[]): Setting => ({
  name,
  form,
  required: true,
  default: null,
  ...(options ? { options } : {}),
});
const may = (name: string, form: Form, standard: unknown, options?: string[]): Setting => ({
  ...must(name, form, options),
  required: false,
  default: standard,
});
const kind = (
  name: string,
  group: Group,
  icon: string,
  order: number,
  settings: Setting[],
  ports: string[] = ["next"],
): StepKindFace => ({
  kind: name,
  group,
  icon,
  order,
  settings,
  ports: ports.map((port) => ({ name: port, required: name !== "goal" })),
});

const DATES = ["date", "date_time"];

export const FACES: StepKindFace[] = [
  kind("entry_segment", "entries", "users", 10, [
    must("segment", "segment"),
    must("on", "choice", ["entered", "left"]),
    may("include_current", "bool", false),
  ]),
  kind("entry_event", "entries", "zap", 20, [must("event", "event"), may("where", "where", "")]),
  kind("entry_date", "entries", "cake", 30, [
    must("field", "field", DATES),
    may("offset_days", "number", 0),
    may("at", "time", "09:00"),
    may("zone", "zone", "contact"),
    may("yearly", "bool", false),
    may("leap_day", "choice", "feb28", ["feb28", "mar1", "skip"]),
  ]),
  kind("entry_schedule", "entries", "calendar-clock", 40, [
    must("rule", "schedule", ["once", "day", "week", "month"]),
    may("at", "time", "09:00"),
    may("zone", "zone", "workspace"),
    must("who", "expression"),
  ]),
  kind("entry_manual", "entries", "hand", 50, []),
  kind("wait", "time", "timer", 10, [must("for", "duration")]),
  kind("wait_window", "time", "clock", 20, [
    must("days", "days"),
    must("from", "time"),
    must("to", "time"),
    may("zone", "zone", "contact"),
  ]),
  kind("wait_until", "time", "alarm-clock", 25, [
    must("at", "text"),
    may("zone", "zone", "contact"),
    may("if_past", "choice", "continue", ["continue", "exit"]),
  ]),
  kind(
    "wait_date",
    "time",
    "calendar",
    30,
    [
      must("field", "field", DATES),
      must("offset", "duration"),
      must("direction", "choice", ["before", "after"]),
      may("at", "time", "09:00"),
      may("zone", "zone", "contact"),
      may("if_past", "choice", "continue", ["continue", "exit"]),
    ],
    ["next", "none"],
  ),
  kind(
    "wait_event",
    "time",
    "hourglass",
    40,
    [must("event", "event"), may("where", "where", ""), must("timeout", "duration")],
    ["happened", "timed_out"],
  ),
  kind(
    "wait_response",
    "time",
    "mail-check",
    50,
    [
      must("response", "choice", ["opened", "clicked", "replied", "bounced", "delivered"]),
      may("template", "template", null),
      may("link", "text", ""),
      must("timeout", "duration"),
    ],
    ["happened", "timed_out"],
  ),
  kind("if_else", "decisions", "git-branch", 10, [must("when", "expression")], ["yes", "no"]),
  kind("split", "decisions", "split", 20, [must("branches", "branches", ["port", "name", "when"])], ["else"]),
  kind("random", "decisions", "dices", 30, [must("branches", "branches", ["port", "name", "percent"])], []),
  kind("send_email", "messages", "mail", 10, [
    must("template", "template"),
    may("account", "account", null),
    may("transactional", "bool", false),
  ]),
  kind("set_field", "contact", "pencil", 10, [must("field", "field"), must("value", "value")]),
  kind("add_tag", "contact", "tag", 20, [must("tag", "tag")]),
  kind("remove_tag", "contact", "tag-x", 30, [must("tag", "tag")]),
  kind("change_score", "contact", "gauge", 35, [must("score", "score"), must("points", "number")]),
  kind("post_event", "contact", "activity", 40, [must("event", "event"), may("props", "props", {})]),
  kind("goal", "ends", "target", 10, [must("when", "expression"), may("then", "choice", "exit", ["exit", "continue"])]),
  kind("exit", "ends", "log-out", 20, [may("reason", "text", "")], []),
];
