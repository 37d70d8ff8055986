import { useRead } from "@/api/client";
import { Choices, Field, Segmented, TextInput } from "@/design";
import { t } from "@/i18n";
import { useNow } from "@/shell/now";
import { useZone } from "@/shell/zone";
import { fromZoned, toZoned } from "@/shell/zoned";
import type { StepProps } from "./flow";

/** Nine o'clock tomorrow on the walls of a zone. */
function tomorrow(now: string, zone: string): string {
  return `${toZoned(new Date(new Date(now).getTime() + 86_400_000).toISOString(), zone).slice(0, 10)}T09:00`;
}

/** When it is sent. */
export function WhenStep({ campaign, edit }: StepProps) {
  const zone = useZone();
  const now = useNow();
  const secs = useRead("campaigns.recall_secs", {}).data?.secs ?? 60;
  const { when } = campaign;
  const wall = when.when === "now" ? "" : when.when === "at" ? toZoned(when.at, zone) : when.at.slice(0, 16);
  const set = (kind: "now" | "at" | "at_local", text: string) => {
    if (kind === "at") edit({ do: "when", when: "at", at: fromZoned(text, zone) ?? "" });
    else edit({ do: "when", when: kind, at: `${text}:00` });
  };
  return (
    <>
      <Choices
        label={t("campaigns.when.label")}
        value={when.when}
        onChange={(kind) => set(kind, wall === "" ? tomorrow(now, zone) : wall)}
        options={[
          { value: "now", label: t("campaigns.when.now"), about: t("campaigns.when.now_about", { secs }) },
          { value: "at", label: t("campaigns.when.at"), about: t("campaigns.when.at_about") },
          { value: "at_local", label: t("campaigns.when.at_local"), about: t("campaigns.when.at_local_about") },
        ]}
      />
      {when.when !== "now" && (
        <Field
          label={t("campaigns.when.date")}
          help={t(when.when === "at" ? "campaigns.when.zone" : "campaigns.when.own_zone", { zone })}
          className="max-w-120"
        >
          <TextInput
            type="datetime-local"
            value={wall}
            onChange={(event) => {
              const text = event.currentTarget.value;
              if (text !== "") set(when.when, text);
            }}
          />
        </Field>
      )}
      {when.when === "at_local" && (
        <Field label={t("campaigns.when.past")}>
          <Segmented
            label={t("campaigns.when.past")}
            value={when.past}
            onChange={(past) => edit({ do: "past", past })}
            options={(["send_now", "skip"] as const).map((value) => ({ value, label: t(`campaigns.when.${value}`) }))}
          />
        </Field>
      )}
    </>
  );
}
