import { Dices } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import type { WorldPersona } from "@/api/gen/WorldPersona";
import type { WorldView } from "@/api/gen/WorldView";
import { cx, Dialog, Field, IconButton, NumberInput, Segmented, ShareSlider, Switch, say, sayError } from "@/design";
import { percent } from "@/format";
import { formatLocale, t } from "@/i18n";
import { PERSONA_FILLS, PERSONAS } from "./answers";
import {
  type Draft,
  deliveryWord,
  draftErrors,
  MONTH_MAX,
  qualityWord,
  SEED_MAX,
  type SeasonKind,
  type Shares,
  sum,
  toDraft,
  toSettings,
  usualShares,
} from "./draft";

const SEASONS = ["steady", "retail", "months"] as const satisfies SeasonKind[];

/** What the mail world is set to, saved at once for all of it. */
export function WorldSettingsDialog({ view, onClose }: { view: WorldView; onClose: () => void }) {
  const [draft, setDraft] = useState(() => toDraft(view.settings));
  // What is wrong is said once somebody wanted to save it; a sum grows while it is typed.
  const [asked, setAsked] = useState(false);
  const save = useWrite("world.set", {
    onSuccess: () => {
      say(t("world.settings.saved"));
      onClose();
    },
    onError: (error) => {
      if (Object.keys(error.fields).length === 0) sayError(error);
    },
  });
  const found = draftErrors(draft);
  const errors: Record<string, string | undefined> = { ...save.error?.fields, ...(asked ? found : {}) };
  const put = (change: Partial<Draft>) => {
    save.reset();
    setDraft((before) => ({ ...before, ...change }));
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("world.settings.title")}
      about={t("world.settings.about")}
      submit={{
        label: t("common.save"),
        busy: save.isPending,
        run: () => {
          setAsked(true);
          if (Object.keys(found).length === 0) save.mutate(toSettings(draft));
        },
      }}
    >
      <div className="space-y-5 pb-2">
        <div className="flex items-start gap-3">
          <div className="min-w-0 flex-1">
            <p className="font-medium">{t("world.settings.on")}</p>
            <p className="text-ink-2 text-table">
              {view.settings.on && !draft.on && view.to_come > 0
                ? t("world.settings.off_loses", { n: view.to_come })
                : t("world.settings.on_about")}
            </p>
          </div>
          <Switch label={t("world.settings.on")} checked={draft.on} onChange={(on) => put({ on })} />
        </div>
        <div className="grid gap-x-6 gap-y-4 sm:grid-cols-2">
          <ShareSlider
            label={t("world.settings.list_quality")}
            value={draft.list_quality}
            onChange={(list_quality) => put({ list_quality })}
            about={t(`world.settings.quality.${qualityWord(draft.list_quality)}`)}
            error={errors.list_quality}
          />
          <ShareSlider
            label={t("world.settings.deliverability")}
            value={draft.deliverability}
            onChange={(deliverability) => put({ deliverability })}
            about={t(`world.settings.delivery.${deliveryWord(draft.deliverability)}`)}
            error={errors.deliverability}
          />
        </div>
        <Mix draft={draft} error={errors.mix} onDraft={put} />
        <Season draft={draft} error={errors.season} onDraft={put} />
        <Field label={t("world.settings.seed")} help={t("world.settings.seed_about")} error={errors.seed}>
          <div className="flex gap-1">
            <NumberInput
              optional
              min={0}
              max={SEED_MAX}
              value={draft.seed}
              onChange={(seed) => put({ seed })}
              className="w-50"
            />
            <IconButton
              icon={Dices}
              label={t("world.settings.another")}
              onClick={() => put({ seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 1 })}
            />
          </div>
        </Field>
      </div>
    </Dialog>
  );
}

interface PartProps {
  draft: Draft;
  error: string | undefined;
  onDraft: (change: Partial<Draft>) => void;
}

function Mix({ draft, error, onDraft }: PartProps) {
  const shown = draft.own_mix ? draft.shares : usualShares(draft.list_quality);
  const kind = draft.own_mix ? "own" : "usual";
  const all = sum(shown);
  return (
    <fieldset>
      <div className="flex flex-wrap items-center gap-3">
        <legend className="min-w-0 flex-1 font-medium">{t("world.settings.mix")}</legend>
        <Segmented
          label={t("world.settings.mix")}
          value={kind}
          onChange={(next) =>
            // One's own begin where the list's are.
            onDraft(next === "own" ? { own_mix: true, shares: shown } : { own_mix: false })
          }
          options={[
            { value: "usual", label: t("world.settings.mixes.usual") },
            { value: "own", label: t("world.settings.mixes.own") },
          ]}
        />
      </div>
      <p className="text-ink-2 text-table">{t(`world.settings.mix_about.${kind}`)}</p>
      <Bar of={shown} />
      <div className="grid grid-cols-3 gap-x-4 gap-y-2 sm:grid-cols-6">
        {PERSONAS.map((persona) => (
          <div key={persona} title={t(`world.personas_about.${persona}`)} className="min-w-0">
            <p className="mb-1 flex items-center gap-1.5">
              <span aria-hidden className={cx("size-2 shrink-0 rounded-full", PERSONA_FILLS[persona])} />
              <span className="truncate text-table">{t(`world.personas.${persona}`)}</span>
            </p>
            {draft.own_mix ? (
              <NumberInput
                min={0}
                max={100}
                value={draft.shares[persona]}
                onChange={(share) => onDraft({ shares: { ...draft.shares, [persona]: share } })}
                aria-label={t("world.settings.share", { persona: t(`world.personas.${persona}`) })}
              />
            ) : (
              <p className="figures flex h-8 items-center">{percent(shown[persona] / 100)}</p>
            )}
          </div>
        ))}
      </div>
      {draft.own_mix && (
        <p
          role={error === undefined ? undefined : "alert"}
          className={cx("figures mt-1 text-table", error !== undefined || all !== 100 ? "text-bad" : "text-ink-3")}
        >
          {error ?? t("world.settings.sum", { n: all })}
        </p>
      )}
    </fieldset>
  );
}

/** The shares side by side, as far as they go. */
function Bar({ of }: { of: Shares }) {
  const all = Math.max(100, sum(of));
  return (
    <div aria-hidden className="my-2 flex h-2 gap-px overflow-hidden rounded-full bg-sunken">
      {PERSONAS.map((persona: WorldPersona) => (
        <span key={persona} className={PERSONA_FILLS[persona]} style={{ width: `${(of[persona] / all) * 100}%` }} />
      ))}
    </div>
  );
}

/** The months' short names, January first. */
const MONTHS = Array.from({ length: 12 }, (_, month) => {
  const date = new Date(Date.UTC(2026, month, 1));
  const name = (style: "short" | "long") =>
    new Intl.DateTimeFormat(formatLocale, { month: style, timeZone: "UTC" }).format(date);
  return { short: name("short"), long: name("long") };
});

function Season({ draft, error, onDraft }: PartProps) {
  return (
    <fieldset>
      <div className="flex flex-wrap items-center gap-3">
        <legend className="min-w-0 flex-1 font-medium">{t("world.settings.season")}</legend>
        <Segmented
          label={t("world.settings.season")}
          value={draft.season}
          onChange={(season) => onDraft({ season })}
          options={SEASONS.map((season) => ({ value: season, label: t(`world.settings.seasons.${season}`) }))}
        />
      </div>
      <p className="text-ink-2 text-table">{t(`world.settings.seasons_about.${draft.season}`)}</p>
      {draft.season === "months" && (
        <div className="mt-2 grid grid-cols-4 gap-x-3 gap-y-2 sm:grid-cols-6">
          {MONTHS.map((month, at) => (
            // biome-ignore lint/a11y/noLabelWithoutControl: the number inside is the control.
            <label key={month.long} className="min-w-0">
              <span className="mb-1 block text-ink-2 text-table">{month.short}</span>
              <NumberInput
                optional
                min={0}
                max={MONTH_MAX}
                value={draft.months[at]}
                onChange={(value) => onDraft({ months: draft.months.with(at, value) })}
                aria-label={t("world.settings.month", { month: month.long })}
              />
            </label>
          ))}
        </div>
      )}
      {error !== undefined && (
        <p role="alert" className="mt-1 text-bad text-table">
          {error}
        </p>
      )}
    </fieldset>
  );
}
