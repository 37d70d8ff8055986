import { Plus, X } from "lucide-react";
import type { Decay } from "@/api/gen/Decay";
import type { ScoreGroup } from "@/api/gen/ScoreGroup";
import type { ScoreRule } from "@/api/gen/ScoreRule";
import type { ScoreTrouble } from "@/api/gen/ScoreTrouble";
import { Button, Card, IconButton, NumberInput, Select, TextInput } from "@/design";
import { t } from "@/i18n";
import { CompaniesCard } from "./companies";
import {
  addGroup,
  addRange,
  addRule,
  changeGroup,
  changeRule,
  countBy,
  decayOf,
  type PointsModel,
  removeRule,
} from "./draft";
import { BoundsRow, Said } from "./parts";

const WAYS = ["each", "once", "ranges", "while"] as const;
const DECAYS = ["none", "half_life", "linear"] as const;

interface Form {
  model: PointsModel;
  troubles: readonly ScoreTrouble[];
  onChange: (model: PointsModel) => void;
}

/** Groups of rules, the bounds of all of it, the stages it leads through, and what companies get by it. */
export function RulesForm({ model, troubles, onChange }: Form) {
  return (
    <>
      {model.groups.map((group) => (
        <GroupCard key={group.key} group={group} model={model} troubles={troubles} onChange={onChange} />
      ))}
      <Button icon={Plus} onClick={() => onChange(addGroup(model, ""))}>
        {t("scores.add_group")}
      </Button>
      <Card title={t("scores.whole")} about={t("scores.whole_about")}>
        <BoundsRow bounds={model.bounds} onChange={(bounds) => onChange({ ...model, bounds })} />
      </Card>
      <Stages model={model} onChange={onChange} />
      <CompaniesCard model={model} troubles={troubles} onChange={onChange} />
      <Said of="" troubles={troubles} />
    </>
  );
}

function GroupCard({ group, model, troubles, onChange }: Form & { group: ScoreGroup }) {
  const put = (next: Partial<ScoreGroup>) =>
    onChange(changeGroup(model, group.key, (known) => ({ ...known, ...next })));
  return (
    <Card
      flush
      title={
        <TextInput
          aria-label={t("scores.group_name")}
          placeholder={t("scores.group_name")}
          value={group.name}
          onChange={(event) => put({ name: event.target.value })}
        />
      }
      actions={
        <IconButton
          icon={X}
          label={t("scores.remove_group")}
          onClick={() => onChange({ ...model, groups: model.groups.filter(({ key }) => key !== group.key) })}
        />
      }
    >
      <ul aria-label={t("scores.rules")}>
        {group.rules.map((rule) => (
          <li key={rule.key} className="border-line-subtle border-t px-4 py-3">
            <RuleRow rule={rule} model={model} troubles={troubles} onChange={onChange} />
          </li>
        ))}
      </ul>
      <div className="space-y-3 border-line-subtle border-t px-4 py-3">
        <Button look="quiet" icon={Plus} onClick={() => onChange(addRule(model, group.key))}>
          {t("scores.add_rule")}
        </Button>
        <DecayRow decay={group.decay} onChange={(decay) => put({ decay })} />
        <BoundsRow bounds={group.bounds} onChange={(bounds) => put({ bounds })} />
        <Said of={group.key} troubles={troubles} />
      </div>
    </Card>
  );
}

function RuleRow({ rule, model, troubles, onChange }: Form & { rule: ScoreRule }) {
  const put = (next: Partial<ScoreRule>) => onChange(changeRule(model, rule.key, (known) => ({ ...known, ...next })));
  const { points } = rule;
  return (
    <>
      <div className="flex flex-wrap items-start gap-2">
        <TextInput
          aria-label={t("scores.when")}
          placeholder={t(points.per === "while" ? "scores.when_fit" : "scores.when_event")}
          value={rule.when}
          onChange={(event) => put({ when: event.target.value })}
          className="min-w-0 flex-1 basis-52 font-mono"
        />
        <Select
          className="w-36"
          label={t("scores.per")}
          value={points.per}
          onChange={(per) => put({ points: countBy(points, per) })}
          options={WAYS.map((per) => ({ value: per, label: t(`scores.ways.${per}`) }))}
        />
        {points.per !== "ranges" && (
          <NumberInput
            aria-label={t("scores.points")}
            className="w-22"
            value={points.points}
            onChange={(n) => put({ points: { ...points, points: n } })}
          />
        )}
        <IconButton icon={X} label={t("scores.remove_rule")} onClick={() => onChange(removeRule(model, rule.key))} />
      </div>
      {points.per === "ranges" && <Ranges rule={rule} put={put} />}
      <Said of={rule.key} troubles={troubles} />
      <details className="mt-2">
        <summary className="ring-inside w-fit rounded-control text-ink-3 text-table hover:text-ink-1">
          {t("scores.limits")}
        </summary>
        <div className="mt-2 space-y-2">
          <BoundsRow bounds={rule.bounds} onChange={(bounds) => put({ bounds })} />
          {points.per !== "while" && (
            <div className="flex flex-wrap items-center gap-2">
              <DayInput label={t("scores.from")} value={rule.from} onChange={(from) => put({ from })} />
              <DayInput label={t("scores.to")} value={rule.to} onChange={(to) => put({ to })} />
            </div>
          )}
        </div>
      </details>
    </>
  );
}

/** A day in UTC, kept as its first instant. */
function DayInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string | null;
  onChange: (value: string | null) => void;
}) {
  return (
    <span className="flex items-center gap-2">
      <span className="text-ink-2">{label}</span>
      <TextInput
        type="date"
        aria-label={label}
        className="w-40"
        value={value?.slice(0, 10) ?? ""}
        onChange={(event) => onChange(event.target.value === "" ? null : `${event.target.value}T00:00:00Z`)}
      />
    </span>
  );
}

function Ranges({ rule, put }: { rule: ScoreRule; put: (next: Partial<ScoreRule>) => void }) {
  if (rule.points.per !== "ranges") return null;
  const { ranges } = rule.points;
  const change = (next: typeof ranges) => put({ points: { per: "ranges", ranges: next } });
  return (
    <ul aria-label={t("scores.ranges")} className="mt-2 space-y-2 border-line-default border-l-2 pl-3">
      {ranges.map((range, at) => {
        const set = (next: Partial<typeof range>) =>
          change(ranges.map((known, i) => (i === at ? { ...known, ...next } : known)));
        return (
          <li key={at} className="flex flex-wrap items-center gap-2">
            <NumberInput
              aria-label={t("scores.range_from")}
              className="w-20"
              min={1}
              value={range.from}
              onChange={(from) => set({ from })}
            />
            <span className="text-ink-2">{t("scores.range_until")}</span>
            <NumberInput
              aria-label={t("scores.range_to")}
              className="w-20"
              min={1}
              optional
              value={range.to ?? undefined}
              onChange={(to) => set({ to: to ?? null })}
            />
            <span className="text-ink-2">{t("scores.range_gives")}</span>
            <NumberInput
              aria-label={t("scores.points")}
              className="w-22"
              value={range.points}
              onChange={(points) => set({ points })}
            />
            <IconButton
              icon={X}
              label={t("scores.remove_range")}
              onClick={() => change(ranges.filter((_, i) => i !== at))}
            />
          </li>
        );
      })}
      <li>
        <Button look="quiet" icon={Plus} onClick={() => change(addRange(ranges))}>
          {t("scores.add_range")}
        </Button>
      </li>
    </ul>
  );
}

function DecayRow({ decay, onChange }: { decay: Decay; onChange: (decay: Decay) => void }) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      <span className="text-ink-2">{t("scores.decay")}</span>
      <Select
        className="w-56"
        label={t("scores.decay")}
        value={decay.decay}
        onChange={(kind) => onChange(decayOf(kind))}
        options={DECAYS.map((kind) => ({ value: kind, label: t(`scores.decays.${kind}`) }))}
      />
      {decay.decay === "half_life" && (
        <>
          <NumberInput
            aria-label={t("scores.days")}
            className="w-22"
            min={1}
            max={3650}
            value={decay.days}
            onChange={(days) => onChange({ ...decay, days })}
          />
          <span className="text-ink-2">{t("scores.days")}</span>
        </>
      )}
      {decay.decay === "linear" && (
        <>
          <NumberInput
            aria-label={t("scores.percent")}
            className="w-20"
            min={1}
            max={100}
            value={decay.percent}
            onChange={(percent) => onChange({ ...decay, percent })}
          />
          <span className="text-ink-2">{t("scores.percent_each")}</span>
          <NumberInput
            aria-label={t("scores.months")}
            className="w-20"
            min={1}
            max={120}
            value={decay.months}
            onChange={(months) => onChange({ ...decay, months })}
          />
          <span className="text-ink-2">{t("scores.months")}</span>
        </>
      )}
    </div>
  );
}

function Stages({ model, onChange }: { model: PointsModel; onChange: (model: PointsModel) => void }) {
  const change = (stages: PointsModel["stages"]) => onChange({ ...model, stages });
  const next = (model.stages.at(-1)?.at_least ?? 0) + 25;
  return (
    <Card title={t("scores.stages")} about={t("scores.stages_about")}>
      <ol className="space-y-2 empty:hidden">
        {model.stages.map((stage, at) => {
          const set = (put: Partial<typeof stage>) =>
            change(model.stages.map((known, i) => (i === at ? { ...known, ...put } : known)));
          return (
            <li key={at} className="flex flex-wrap items-center gap-2">
              <TextInput
                aria-label={t("scores.stage_name")}
                placeholder={t("scores.stage_name")}
                className="w-56"
                value={stage.name}
                onChange={(event) => set({ name: event.target.value })}
              />
              <span className="text-ink-2">{t("scores.from_points")}</span>
              <NumberInput
                aria-label={t("scores.from_points")}
                className="w-24"
                value={stage.at_least}
                onChange={(at_least) => set({ at_least })}
              />
              <IconButton
                icon={X}
                label={t("scores.remove_stage")}
                onClick={() => change(model.stages.filter((_, i) => i !== at))}
              />
            </li>
          );
        })}
      </ol>
      <Button
        look="quiet"
        icon={Plus}
        className="mt-2"
        onClick={() => change([...model.stages, { name: "", at_least: next }])}
      >
        {t("scores.add_stage")}
      </Button>
    </Card>
  );
}
