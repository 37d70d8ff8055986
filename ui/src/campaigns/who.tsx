import { Link } from "@tanstack/react-router";
import { useRead } from "@/api/client";
import { Choices, Combobox, Field, NumberInput, SuggestInput, TextInput, WordsInput } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import { eventSuggestions, useVocabulary } from "@/shell/vocabulary";
import type { StepProps } from "./flow";

/** Who gets it. */
export function WhoStep({ campaign, edit }: StepProps) {
  const segments = useRead("segments.list", {});
  const rows = segments.data ?? [];
  const words = useVocabulary();
  return (
    <>
      <Field label={t("campaigns.who.name")} help={t("campaigns.who.name_help")}>
        <TextInput
          value={campaign.name}
          onChange={(event) => edit({ do: "name", name: event.currentTarget.value })}
          className="max-w-120"
        />
      </Field>
      {segments.data !== undefined && rows.length === 0 ? (
        <p className="text-ink-2">
          {t("campaigns.who.no_segments")}{" "}
          <Link to="/segments" className="font-medium text-accent-text">
            {t("campaigns.who.make_segment")}
          </Link>
        </p>
      ) : (
        <Field label={t("campaigns.who.segment")} help={t("campaigns.who.segment_help")} className="max-w-120">
          <Combobox
            value={campaign.segment === "" ? null : campaign.segment}
            onChange={(segment) => edit({ do: "segment", segment: segment ?? "" })}
            options={rows.map((row) => ({ value: row.name, label: row.name, about: count(row.count) }))}
            placeholder={t("campaigns.who.choose_segment")}
          />
        </Field>
      )}
      <Field label={t("campaigns.who.exclude")} help={t("campaigns.who.exclude_help")} optional className="max-w-120">
        <WordsInput
          value={campaign.exclude}
          onChange={(exclude) => edit({ do: "exclude", exclude })}
          suggestions={rows.map((row) => ({ value: row.name }))}
        />
      </Field>
      <Field label={t("campaigns.who.purpose")}>
        <Choices
          label={t("campaigns.who.purpose")}
          value={campaign.purpose}
          onChange={(purpose) => edit({ do: "purpose", purpose })}
          columns={2}
          options={(["marketing", "transactional"] as const).map((value) => ({
            value,
            label: t(`campaigns.who.${value}`),
            about: t(`campaigns.who.${value}_about`),
          }))}
        />
      </Field>
      <Field label={t("campaigns.who.hold_out")} help={t("campaigns.who.hold_out_help")} optional className="w-60">
        <NumberInput
          value={campaign.hold_out_percent}
          min={0}
          max={50}
          onChange={(percent) => edit({ do: "hold_out", percent })}
        />
      </Field>
      {campaign.hold_out_percent > 0 && (
        <div className="flex flex-wrap items-start gap-4">
          <Field label={t("campaigns.who.measure")} help={t("campaigns.who.measure_help")} optional className="w-96">
            <SuggestInput
              value={campaign.measure?.metric ?? ""}
              onChange={(metric) => edit({ do: "measure", measure: { metric } })}
              suggestions={eventSuggestions(words)}
            />
          </Field>
          {campaign.measure !== null && (
            <Field label={t("campaigns.who.measure_days")} className="w-44">
              <NumberInput
                value={campaign.measure.window_days}
                min={1}
                max={365}
                onChange={(window_days) => edit({ do: "measure", measure: { window_days } })}
              />
            </Field>
          )}
        </div>
      )}
    </>
  );
}
