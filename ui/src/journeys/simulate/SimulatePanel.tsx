import { FlaskConical } from "lucide-react";
import { useEffect, useState } from "react";
import { query } from "@/api/client";
import { Button, Field, Note, Segmented, sayError, TextInput } from "@/design";
import { compact, count, day as dayWords, number } from "@/format";
import { t, tx } from "@/i18n";
import type { SimReport } from "../commands.draft";
import { graphOf, stepOf } from "../drawing";
import { useDesigner, useDesignerStore } from "../state";
import { titleOf } from "../summary";
import { TryPanel } from "./TryPanel";

/** What the draft will do: to everyone over time, or to one contact step by step. */
export function SimulatePanel() {
  const [who, setWho] = useState<"everyone" | "one">("everyone");
  return (
    <div className="p-4">
      <h2 className="mb-3 font-semibold text-section">{t("journeys.simulate.title")}</h2>
      <Segmented
        value={who}
        onChange={setWho}
        label={t("journeys.simulate.title")}
        options={[
          { value: "everyone", label: t("journeys.simulate.everyone") },
          { value: "one", label: t("journeys.simulate.one") },
        ]}
      />
      <div className="mt-4">{who === "everyone" ? <Everyone /> : <TryPanel />}</div>
    </div>
  );
}

function Everyone() {
  const store = useDesignerStore();
  const simulation = useDesigner((state) => state.simulation);
  const doc = useDesigner((state) => state.drawing.doc);
  const [days, setDays] = useState(90);
  const [seed, setSeed] = useState(1);
  const [start, setStart] = useState("");
  const [running, setRunning] = useState(false);
  const run = async () => {
    setRunning(true);
    try {
      const { drawing } = store.getState();
      const from = start === "" ? null : new Date(`${start}T00:00:00Z`).toISOString();
      const report = await query("journeys.simulate", { document: drawing.doc, days, seed, start: from });
      store.getState().show({ simulation: { report, day: report.days - 1, of: drawing.doc } });
    } catch (thrown) {
      sayError(thrown);
    } finally {
      setRunning(false);
    }
  };
  const stale = simulation !== null && JSON.stringify(graphOf(simulation.of)) !== JSON.stringify(graphOf(doc));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <div className="grid grid-cols-[1fr_1fr_auto] gap-3">
        <Field label={t("journeys.simulate.days")}>
          <TextInput
            type="number"
            min={1}
            max={730}
            value={String(days)}
            onChange={(event) => {
              const read = event.currentTarget.valueAsNumber;
              if (read >= 1) setDays(Math.min(730, Math.trunc(read)));
            }}
          />
        </Field>
        <Field label={t("journeys.simulate.start")} optional>
          <TextInput type="date" value={start} onChange={(event) => setStart(event.currentTarget.value)} />
        </Field>
        <Field label={t("journeys.simulate.seed")}>
          <TextInput
            type="number"
            min={0}
            className="w-16!"
            title={t("journeys.simulate.seed_hint")}
            value={String(seed)}
            onChange={(event) => {
              const read = event.currentTarget.valueAsNumber;
              if (read >= 0) setSeed(Math.min(4_294_967_295, Math.trunc(read)));
            }}
          />
        </Field>
      </div>
      <Button type="submit" icon={FlaskConical} busy={running} className="mt-4 w-full">
        {simulation ? t("journeys.simulate.again") : t("journeys.simulate.run", { days })}
      </Button>
      {stale && (
        <div className="mt-3">
          <Note tone="warn">{t("journeys.simulate.stale")}</Note>
        </div>
      )}
      {simulation && <Result report={simulation.report} />}
    </form>
  );
}

function Result({ report }: { report: SimReport }) {
  const store = useDesignerStore();
  const doc = useDesigner((state) => state.drawing.doc);
  const mails = report.mails_by_day.reduce((sum, one) => sum + one, 0);
  const peak = Math.max(0, ...report.mails_by_day);
  const nameOf = (id: string) => {
    const step = stepOf(doc, id);
    return step ? titleOf(step) : id;
  };
  return (
    <div className="mt-5">
      <dl className="grid grid-cols-3 gap-x-3 rounded-card border border-line-subtle py-3">
        <Figure label={t("journeys.simulate.entered")} value={report.entered} />
        <Figure label={t("journeys.simulate.mails")} value={mails} />
        <Figure label={t("journeys.simulate.inside")} value={report.inside} />
      </dl>
      <p className="mt-1.5 text-ink-3 text-meta">{t("journeys.simulate.mails_peak", { count: count(peak) })}</p>
      <h3 className="mt-4 mb-1 font-medium">{t("journeys.simulate.ended")}</h3>
      <ul>
        {report.ended.map(({ end, count: people }) => (
          <li key={end} className="flex min-h-7 items-center gap-3">
            <span className="min-w-0 flex-1 truncate text-ink-2">{tx(`journeys.simulate.end.${end}`, end)}</span>
            <span aria-hidden className="h-1.5 w-24 overflow-hidden rounded-full bg-sunken">
              <span
                className="block h-full rounded-full bg-chart-1"
                style={{ width: `${(100 * people) / Math.max(1, report.entered)}%` }}
              />
            </span>
            <span className="figures w-14 text-right">{count(people)}</span>
          </li>
        ))}
      </ul>
      <h3 className="mt-4 mb-1 font-medium">{t("journeys.simulate.stuck_title")}</h3>
      {report.stuck.length === 0 ? (
        <p className="text-ink-2">{t("journeys.simulate.stuck_none")}</p>
      ) : (
        <ul className="space-y-1">
          {report.stuck.map(({ step, count: people }) => (
            <li key={step}>
              <button
                type="button"
                className="-mx-2 block w-[calc(100%+16px)] rounded-control px-2 py-1 text-left hover:bg-hover"
                onClick={() => store.getState().select([step], step)}
              >
                <span className="font-medium text-warn">{nameOf(step)}</span>
                <span className="block text-ink-2">{t("journeys.simulate.stuck", { count: people })}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <p className="mt-4 text-ink-3 text-meta">
        {t("journeys.simulate.from", { date: dayWords(report.from) })},{" "}
        {t("journeys.simulate.looked_at", { contacts: count(report.contacts), seconds: number(report.millis / 1000) })}
      </p>
    </div>
  );
}

function Figure({ label, value }: { label: string; value: number }) {
  return (
    <div className="border-line-subtle px-3 not-first:border-l">
      <dt className="truncate text-ink-3 text-meta">{label}</dt>
      <dd className="figures font-semibold text-page" title={count(value)}>
        {value < 100_000 ? count(value) : compact(value)}
      </dd>
    </div>
  );
}

/** Leaves no light on when the panel that lit it is gone. */
export function useLightOff(): void {
  const store = useDesignerStore();
  useEffect(() => () => store.getState().show({ lit: null }), [store]);
}
