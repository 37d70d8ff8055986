import { Plus, X } from "lucide-react";
import { useRead } from "@/api/client";
import type { AbTest } from "@/api/gen/AbTest";
import {
  Button,
  Card,
  Combobox,
  Field,
  IconButton,
  NumberInput,
  Segmented,
  Select,
  SuggestInput,
  TextInput,
} from "@/design";
import { percent } from "@/format";
import { t } from "@/i18n";
import { eventSuggestions, useVocabulary } from "@/shell/vocabulary";
import { letter, MOST_VARIANTS } from "./draft";
import type { StepProps } from "./flow";

/** Stands for no account of its own; names are never blank. */
const DEFAULT = " ";

/** What is sent, and which variants are tried. */
export function WhatStep({ campaign, edit }: StepProps) {
  const templates = useRead("templates.list", {}).data ?? [];
  const accounts = useRead("accounts.list", {}).data ?? [];
  const several = campaign.variants.length > 1;
  return (
    <>
      {campaign.variants.map((variant, at) => {
        const own = templates.find((row) => row.name === variant.template)?.subject ?? "";
        const of = { letter: letter(at) };
        return (
          <Card
            key={at}
            title={several ? t(at === 0 ? "campaigns.what.control" : "campaigns.what.variant", of) : undefined}
            actions={
              several ? (
                <IconButton
                  icon={X}
                  label={t("campaigns.what.remove", of)}
                  onClick={() => edit({ do: "remove_variant", at })}
                />
              ) : undefined
            }
          >
            <div className="grid grid-cols-2 gap-4">
              <Field label={t("campaigns.what.template")}>
                <Combobox
                  value={variant.template === "" ? null : variant.template}
                  onChange={(template) => edit({ do: "variant", at, variant: { template: template ?? "" } })}
                  options={templates.map((row) => ({ value: row.name, label: row.name, about: row.subject }))}
                  placeholder={t("campaigns.what.choose_template")}
                />
              </Field>
              <Field label={t("campaigns.what.subject")} help={t("campaigns.what.subject_help")} optional>
                <TextInput
                  value={variant.subject ?? ""}
                  placeholder={own}
                  onChange={(event) => {
                    const text = event.currentTarget.value;
                    edit({ do: "variant", at, variant: { subject: text === "" ? null : text } });
                  }}
                />
              </Field>
            </div>
          </Card>
        );
      })}
      <div className="flex flex-wrap items-end justify-between gap-4">
        <Button
          icon={Plus}
          disabled={campaign.variants.length >= MOST_VARIANTS}
          onClick={() => edit({ do: "add_variant" })}
        >
          {t(several ? "campaigns.what.add" : "campaigns.what.test")}
        </Button>
        <Field label={t("campaigns.what.account")} className="w-72">
          <Select
            value={campaign.account ?? DEFAULT}
            onChange={(account) => edit({ do: "account", account: account === DEFAULT ? null : account })}
            options={[
              { value: DEFAULT, label: t("campaigns.what.account_default") },
              ...accounts.map((row) => ({ value: row.name, label: row.name, about: row.from_email })),
            ]}
          />
        </Field>
      </div>
      {campaign.test !== null && (
        <TestCard
          test={campaign.test}
          variants={campaign.variants.length}
          change={(test) => edit({ do: "test", test })}
        />
      )}
    </>
  );
}

/** What a test is declared to look for, with how many that takes. */
function TestCard({
  test,
  variants,
  change,
}: {
  test: AbTest;
  variants: number;
  change: (test: Partial<AbTest>) => void;
}) {
  const words = useVocabulary();
  const asked = { metric: test.metric, variants, minimum_effect: test.minimum_effect };
  const plan = useRead("campaigns.plan", { ...asked, base_rate: test.base_rate }, { keep: true }).data;
  const own = useRead("campaigns.plan", { ...asked, base_rate: null }, { keep: true }).data;
  const rate = own?.base_rate ?? null;
  const shown = (share: number) => Math.round(share * 10_000) / 100;
  return (
    <Card title={t("campaigns.test.title")} about={t("campaigns.test.about")}>
      <div className="grid grid-cols-2 gap-4">
        <Field label={t("campaigns.test.metric")} help={t("campaigns.test.metric_help")}>
          <SuggestInput
            value={test.metric}
            onChange={(metric) => change({ metric })}
            suggestions={eventSuggestions(words)}
          />
        </Field>
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("campaigns.test.window")}>
            <NumberInput
              value={test.window_hours}
              min={1}
              max={720}
              onChange={(window_hours) => change({ window_hours })}
            />
          </Field>
          <Field label={t("campaigns.test.ends")}>
            <NumberInput
              value={test.ends_after_hours}
              min={1}
              max={2160}
              onChange={(ends_after_hours) => change({ ends_after_hours })}
            />
          </Field>
        </div>
        <Field
          label={t("campaigns.test.base_rate")}
          help={
            rate === null || own === undefined ? (
              t("campaigns.test.base_none")
            ) : (
              <>
                {t("campaigns.test.base_own", {
                  events: own.events,
                  messages: own.messages,
                  rate: percent(rate),
                })}{" "}
                <button
                  type="button"
                  className="font-medium text-accent-text"
                  onClick={() => change({ base_rate: Math.round(rate * 10_000) / 10_000 })}
                >
                  {t("campaigns.test.use_own", { rate: percent(rate) })}
                </button>
              </>
            )
          }
        >
          <NumberInput
            value={shown(test.base_rate)}
            min={0.01}
            max={99}
            step="any"
            onChange={(value) => change({ base_rate: value / 100 })}
          />
        </Field>
        <Field
          label={t("campaigns.test.effect")}
          help={t("campaigns.test.effect_help", {
            base: percent(test.base_rate),
            better: percent(Math.min(1, test.base_rate * (1 + test.minimum_effect))),
          })}
        >
          <NumberInput
            value={shown(test.minimum_effect)}
            min={1}
            max={1000}
            step="any"
            onChange={(value) => change({ minimum_effect: value / 100 })}
          />
        </Field>
        <Field label={t("campaigns.test.sample")} help={t("campaigns.test.sample_help")}>
          <NumberInput
            value={test.sample_percent}
            min={1}
            max={100}
            onChange={(sample_percent) => change({ sample_percent })}
          />
        </Field>
        <div className="self-center" role="status">
          {plan?.per_arm != null && <p className="font-medium">{t("campaigns.test.plan", { n: plan.per_arm })}</p>}
        </div>
        <Field label={t("campaigns.test.winner")}>
          <Select
            value={test.winner}
            onChange={(winner) => change({ winner })}
            options={(["itself", "hand"] as const).map((value) => ({
              value,
              label: t(`campaigns.test.winner_${value}`),
            }))}
          />
        </Field>
        <Field label={t("campaigns.test.undecided")}>
          <Select
            value={test.undecided}
            onChange={(undecided) => change({ undecided })}
            options={(["hand", "control"] as const).map((value) => ({
              value,
              label: t(`campaigns.test.undecided_${value}`),
            }))}
          />
        </Field>
        <Field label={t("campaigns.test.rest_at")}>
          <Segmented
            label={t("campaigns.test.rest_at")}
            value={test.rest_at === null ? "now" : "local"}
            onChange={(value) => change({ rest_at: value === "now" ? null : "09:00:00" })}
            options={(["now", "local"] as const).map((value) => ({ value, label: t(`campaigns.test.rest_${value}`) }))}
          />
        </Field>
        {test.rest_at !== null && (
          <Field label={t("campaigns.test.rest_time")} className="w-40">
            <TextInput
              type="time"
              value={test.rest_at.slice(0, 5)}
              onChange={(event) => {
                const at = event.currentTarget.value;
                if (at !== "") change({ rest_at: `${at}:00` });
              }}
            />
          </Field>
        )}
      </div>
    </Card>
  );
}
