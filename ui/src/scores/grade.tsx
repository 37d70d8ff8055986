import { Plus, X } from "lucide-react";
import type { GradeAxis } from "@/api/gen/GradeAxis";
import type { ScoreRow } from "@/api/gen/ScoreRow";
import type { ScoreTrouble } from "@/api/gen/ScoreTrouble";
import { Button, Card, IconButton, Note, NumberInput, Select, TextInput } from "@/design";
import { t } from "@/i18n";
import type { GradeModel } from "./draft";

/** Two scores, cut into bands: the label of one beside the label of the other. */
export function GradeForm({
  model,
  scores,
  troubles,
  onChange,
}: {
  model: GradeModel;
  scores: readonly ScoreRow[];
  troubles: readonly ScoreTrouble[];
  onChange: (model: GradeModel) => void;
}) {
  return (
    <>
      {scores.length < 2 && <Note>{t("scores.grade.needs_two")}</Note>}
      <Axis
        title={t("scores.grade.rows")}
        axis={model.rows}
        scores={scores}
        onChange={(rows) => onChange({ ...model, rows })}
      />
      <Axis
        title={t("scores.grade.columns")}
        axis={model.columns}
        scores={scores}
        onChange={(columns) => onChange({ ...model, columns })}
      />
      {[...new Set(troubles.map(({ message }) => message))].map((message) => (
        <p key={message} role="status" className="text-bad text-table">
          {message}
        </p>
      ))}
      <Card title={t("scores.grade.grid")} about={t("scores.grade.grid_about")}>
        <table aria-label={t("scores.grade.grid")} className="border-collapse">
          <tbody>
            {model.rows.bands.map((row, r) => (
              <tr key={r}>
                {model.columns.bands.map((column, c) => (
                  <td key={c} className="border border-line-default px-4 py-2 text-center font-medium">
                    {row.label + column.label}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
    </>
  );
}

function Axis({
  title,
  axis,
  scores,
  onChange,
}: {
  title: string;
  axis: GradeAxis;
  scores: readonly ScoreRow[];
  onChange: (axis: GradeAxis) => void;
}) {
  const { bands } = axis;
  const change = (next: GradeAxis["bands"]) => onChange({ ...axis, bands: next });
  return (
    <Card title={title}>
      <Select
        className="w-72"
        label={t("scores.grade.score")}
        placeholder={t("scores.grade.score")}
        value={axis.score === "" ? null : axis.score}
        onChange={(score) => onChange({ ...axis, score })}
        options={scores.map(({ key, name }) => ({ value: key, label: name }))}
      />
      <ol className="mt-3 space-y-2">
        {bands.map((band, at) => {
          const last = at === bands.length - 1;
          const set = (put: Partial<typeof band>) =>
            change(bands.map((known, i) => (i === at ? { ...known, ...put } : known)));
          return (
            <li key={at} className="flex items-center gap-2">
              <TextInput
                aria-label={t("scores.grade.label")}
                className="w-24"
                value={band.label}
                onChange={(event) => set({ label: event.target.value })}
              />
              {last ? (
                <span className="text-ink-2">{t("scores.grade.rest")}</span>
              ) : (
                <>
                  <span className="text-ink-2">{t("scores.from_points")}</span>
                  <NumberInput
                    aria-label={t("scores.from_points")}
                    className="w-24"
                    value={band.at_least ?? 0}
                    onChange={(at_least) => set({ at_least })}
                  />
                  <IconButton
                    icon={X}
                    label={t("scores.grade.remove")}
                    onClick={() => change(bands.filter((_, i) => i !== at))}
                  />
                </>
              )}
            </li>
          );
        })}
      </ol>
      <Button
        look="quiet"
        icon={Plus}
        className="mt-2"
        onClick={() => change([{ label: "", at_least: (bands[0]?.at_least ?? 0) + 25 }, ...bands])}
      >
        {t("scores.grade.add")}
      </Button>
    </Card>
  );
}
