import { Plus, X } from "lucide-react";
import type { CompanyRule } from "@/api/gen/CompanyRule";
import type { RollUp } from "@/api/gen/RollUp";
import type { ScoreTrouble } from "@/api/gen/ScoreTrouble";
import { Button, Card, IconButton, NumberInput, Select, TextInput } from "@/design";
import { t } from "@/i18n";
import { companiesOf, freeKey, type PointsModel, withCompanies } from "./draft";
import { BoundsRow, Said } from "./parts";

const ROLL_UPS: readonly RollUp[] = ["sum", "average", "highest", "nothing"];
const WHO = ["company", "people"] as const;
/** How many people a rule asks for at first. */
const SOME_PEOPLE = 3;
/** The place of what is wrong with all of it. */
const PLACE = ":companies";

/** What companies get by a score: their people's points, rolled up, and rules of their own. */
export function CompaniesCard({
  model,
  troubles,
  onChange,
}: {
  model: PointsModel;
  troubles: readonly ScoreTrouble[];
  onChange: (model: PointsModel) => void;
}) {
  const companies = companiesOf(model);
  const put = (next: Partial<typeof companies>) => onChange(withCompanies(model, { ...companies, ...next }));
  const change = (key: string, next: Partial<CompanyRule>) =>
    put({ rules: companies.rules.map((rule) => (rule.key === key ? { ...rule, ...next } : rule)) });
  const added = { key: freeKey(model, "company"), when: "", people: null, points: 10 };
  return (
    <Card title={t("scores.companies.title")} about={t("scores.companies.about")}>
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-ink-2">{t("scores.companies.roll_up")}</span>
        <Select
          className="w-64"
          label={t("scores.companies.roll_up")}
          value={companies.roll_up}
          onChange={(roll_up) => put({ roll_up })}
          options={ROLL_UPS.map((value) => ({ value, label: t(`scores.companies.roll_ups.${value}`) }))}
        />
      </div>
      <ul aria-label={t("scores.companies.rules")} className="mt-3 space-y-3 empty:hidden">
        {companies.rules.map((rule) => (
          <li key={rule.key}>
            <RuleRow
              rule={rule}
              onChange={(next) => change(rule.key, next)}
              onRemove={() => put({ rules: companies.rules.filter(({ key }) => key !== rule.key) })}
            />
            <Said of={rule.key} troubles={troubles} />
          </li>
        ))}
      </ul>
      <Button look="quiet" icon={Plus} className="my-2" onClick={() => put({ rules: [...companies.rules, added] })}>
        {t("scores.companies.add_rule")}
      </Button>
      <BoundsRow bounds={companies.bounds} onChange={(bounds) => put({ bounds })} />
      <Said of={PLACE} troubles={troubles} />
    </Card>
  );
}

function RuleRow({
  rule,
  onChange,
  onRemove,
}: {
  rule: CompanyRule;
  onChange: (next: Partial<CompanyRule>) => void;
  onRemove: () => void;
}) {
  const { people } = rule;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <Select
        className="w-40"
        label={t("scores.companies.who")}
        value={people === null ? "company" : "people"}
        onChange={(who) => onChange({ people: who === "company" ? null : (people ?? SOME_PEOPLE) })}
        options={WHO.map((value) => ({ value, label: t(`scores.companies.whose.${value}`) }))}
      />
      {people !== null && (
        <>
          <NumberInput
            aria-label={t("scores.companies.people")}
            className="w-20"
            min={1}
            value={people}
            onChange={(n) => onChange({ people: n })}
          />
          <span className="text-ink-2">{t("scores.companies.of_people")}</span>
        </>
      )}
      <TextInput
        aria-label={t("scores.companies.when")}
        placeholder={t(people === null ? "scores.companies.when_company" : "scores.companies.when_people")}
        value={rule.when}
        onChange={(event) => onChange({ when: event.target.value })}
        className="min-w-0 flex-1 basis-52 font-mono"
      />
      <NumberInput
        aria-label={t("scores.points")}
        className="w-22"
        value={rule.points}
        onChange={(points) => onChange({ points })}
      />
      <IconButton icon={X} label={t("scores.remove_rule")} onClick={onRemove} />
    </div>
  );
}
