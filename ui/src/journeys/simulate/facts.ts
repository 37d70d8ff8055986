/** What happens to one contact on its way, in words. Pure. */
import type { Evidence } from "@/api/gen/Evidence";
import type { Fact } from "@/api/gen/Fact";
import type { Value } from "@/api/gen/Value";
import { moment, value as valueText } from "@/format";
import { t, tx } from "@/i18n";
import { condition } from "../summary";

type Effect = { effect?: string; template?: string; key?: string; value?: Value | null; tag?: string; name?: string };

/** What happened, in a sentence. */
export function factText(fact: Fact, nameOf: (id: string) => string, port: string): string {
  switch (fact.fact) {
    case "entered":
      return t("journeys.try.arrived", { step: nameOf(fact.step) });
    case "waiting":
      return fact.until === null
        ? t("journeys.try.waits")
        : t("journeys.try.waits_until", { moment: moment(fact.until) });
    case "left":
      return t("journeys.try.went", { port });
    case "did":
      return effectText((fact.effect ?? {}) as Effect);
    case "learned":
      return t("journeys.try.learned", {
        outcome: tx(`common.message_states.${fact.outcome}`, fact.outcome).toLowerCase(),
      });
    case "ended": {
      const { end } = fact;
      const reason = end.end === "goal" ? nameOf(end.reason) : "reason" in end ? end.reason : "";
      return tx(`journeys.try.ended_${end.end}`, end.end, { step: reason, reason });
    }
  }
}

function effectText(effect: Effect): string {
  switch (effect.effect) {
    case "send":
      return t("journeys.try.did_send", { template: effect.template ?? "" });
    case "set_field":
      return effect.value === null || effect.value === undefined
        ? t("journeys.try.did_clear_field", { field: effect.key ?? "" })
        : t("journeys.try.did_set_field", { field: effect.key ?? "", value: valueText(effect.value) });
    case "add_tag":
      return t("journeys.try.did_add_tag", { tag: effect.tag ?? "" });
    case "remove_tag":
      return t("journeys.try.did_remove_tag", { tag: effect.tag ?? "" });
    case "post_event":
      return t("journeys.try.did_post_event", { event: effect.name ?? "" });
    default:
      return t("journeys.try.did");
  }
}

/** What a way was taken for. */
export function evidenceText({ about, value }: Evidence): string {
  if (about === "random") return t("journeys.try.bucket", { value });
  if (value === "true" || value === "false") return `${condition(about)} ${t(`journeys.try.${value}`)}`;
  return value === "" ? condition(about) : `${condition(about)}: ${value}`;
}
