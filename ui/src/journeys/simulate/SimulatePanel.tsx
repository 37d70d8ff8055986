import { FlaskConical } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { End } from "@/api/gen/End";
import type { SimReport } from "@/api/gen/SimReport";
import { Button, Field, Note, NumberInput, Progress, Segmented, sayError, TextInput } from "@/design";
import { compact, count, day as dayWords } from "@/format";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";
import { useZone } from "@/shell/zone";
import { fromZoned } from "@/shell/zoned";
import { graphOf, stepOf } from "../drawing";
import { type Simulation, useDesigner, useDesignerStore } from "../state";
import { titleOf, words } from "../summary";
import { type Behind, BehindDialog } from "./Behind";
import { PartlyFixed } from "./PartlyFixed";
import { stayers } from "./report";
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
  const id = useDesigner((state) => state.id);
  const clock = useRead("clock.get", {});
  const zone = useZone();
  const [days, setDays] = useState(90);
  const [seed, setSeed] = useState(1);
  const [start, setStart] = useState("");
  const [job, setJob] = useState<number | null>(null);
  /** What is being simulated. */
  const asked = useRef<Simulation["asked"] | null>(null);
  const working = useJob(job, (ended) => {
    setJob(null);
    if (ended.state === "done" && asked.current !== null) {
      const report = ended.result as SimReport;
      store.getState().show({ simulation: { report, asked: asked.current, day: report.days - 1 } });
    } else if (ended.state === "failed") sayError(ended.error);
  });
  const simulate = useWrite("journeys.simulate", { onSuccess: (started) => setJob(started.job), onError: sayError });
  const stop = useWrite("jobs.cancel", { onError: sayError });
  const run = () => {
    const { doc } = store.getState().drawing;
    // A day begins at midnight of the workspace's zone, in which all moments are shown.
    const from = start === "" ? null : fromZoned(`${start}T00:00`, zone);
    const began = from ?? clock.data?.now ?? new Date().toISOString();
    asked.current = { id, document: doc, days, seed, start: began };
    simulate.mutate(asked.current);
  };
  const busy = simulate.isPending || job !== null;
  const stale =
    simulation !== null && JSON.stringify(graphOf(simulation.asked.document)) !== JSON.stringify(graphOf(doc));
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        run();
      }}
    >
      <div className="grid grid-cols-[4.5rem_1fr_auto] gap-3">
        <Field label={t("journeys.simulate.days")}>
          <NumberInput min={1} max={730} value={days} onChange={setDays} />
        </Field>
        <Field label={t("journeys.simulate.start")} optional>
          <TextInput type="date" value={start} onChange={(event) => setStart(event.currentTarget.value)} />
        </Field>
        <Field label={t("journeys.simulate.seed")}>
          <NumberInput
            min={0}
            max={4_294_967_295}
            className="w-16!"
            title={t("journeys.simulate.seed_hint")}
            value={seed}
            onChange={setSeed}
          />
        </Field>
      </div>
      <div className="mt-4 flex gap-2">
        <Button type="submit" icon={FlaskConical} busy={busy} className="flex-1">
          {busy ? t("journeys.simulate.running") : t("journeys.simulate.run", { days })}
        </Button>
        {job !== null && (
          <Button className="late" busy={stop.isPending} onClick={() => stop.mutate({ id: job })}>
            {t("journeys.simulate.cancel")}
          </Button>
        )}
      </div>
      {job !== null && (
        <div className="late mt-2">
          <Progress
            done={working?.done ?? 0}
            total={working === null || working.total === 0 ? null : working.total}
            label={t("journeys.simulate.running")}
          />
        </div>
      )}
      {stale && (
        <div className="mt-3">
          <Note tone="warn">{t("journeys.simulate.stale")}</Note>
        </div>
      )}
      {simulation && <Result simulation={simulation} />}
    </form>
  );
}

function Result({ simulation }: { simulation: Simulation }) {
  const store = useDesignerStore();
  // The names the steps had when they were simulated.
  const { report, asked } = simulation;
  const doc = asked.document;
  const [behind, setBehind] = useState<Behind | null>(null);
  const mails = report.mails.reduce((sum, one) => sum + one, 0);
  const refused = report.refused.reduce((sum, one) => sum + one, 0);
  const held = report.held.reduce((sum, one) => sum + one, 0);
  const nameOf = (id: string) => {
    const step = stepOf(doc, id);
    return step ? titleOf(step) : id;
  };
  const waiting = stayers(report);
  return (
    <div className="mt-5">
      <dl className="grid grid-cols-3 gap-x-3 rounded-card border border-line-subtle py-3">
        <Figure label={t("journeys.simulate.entered")} value={report.entered} />
        <Figure
          label={t("journeys.simulate.mails")}
          value={mails}
          onOpen={() =>
            setBehind({ title: t("journeys.simulate.mails"), number: { number: "mails", day: null }, total: mails })
          }
        />
        <Figure
          label={t("journeys.simulate.inside")}
          value={report.never_left}
          onOpen={() =>
            setBehind({
              title: t("journeys.simulate.inside"),
              number: { number: "never_left" },
              total: report.never_left,
            })
          }
        />
      </dl>
      <p className="mt-2 text-ink-2 text-table">
        {t("journeys.simulate.mails_peak", { count: count(Math.max(0, ...report.mails)) })}{" "}
        {refused > 0 && t("journeys.simulate.refused", { count: refused })}{" "}
        {held > 0 && t("journeys.simulate.held", { count: held, still: report.still_held })}
      </p>
      <PartlyFixed scores={report.partly_fixed_scores} segments={report.ranked_segments} />
      {report.cut_short > 0 && (
        <div className="mt-3">
          <Note tone="warn">{t("journeys.simulate.cut_short", { count: report.cut_short })}</Note>
        </div>
      )}
      <Bars
        title={t("journeys.simulate.ended")}
        of={report.entered}
        rows={report.ended.map(({ end, count: people }) => ({
          key: JSON.stringify(end),
          label: endText(end, nameOf),
          count: people,
          number: { number: "ended", end },
        }))}
        onOpen={setBehind}
      />
      <Bars
        title={t("journeys.simulate.goals")}
        of={report.entered}
        rows={report.goals.map(({ step, conversions }) => ({
          key: step,
          label: nameOf(step),
          count: conversions,
          number: { number: "goal", step },
        }))}
        onOpen={setBehind}
      />
      <h3 className="mt-4 mb-1 font-medium">{t("journeys.simulate.stuck_title")}</h3>
      {waiting.length === 0 && <p className="text-ink-2">{t("journeys.simulate.stuck_none")}</p>}
      <ul className="-mx-2">
        {waiting.map(({ step, count: people }) => (
          <li key={step}>
            <button
              type="button"
              className="flex min-h-7 w-full items-center gap-3 rounded-control px-2 text-left hover:bg-hover"
              onClick={() => {
                store.getState().select([step], step);
                setBehind({ title: nameOf(step), number: { number: "waiting", step }, total: people });
              }}
            >
              <span className="min-w-0 flex-1 truncate text-ink-2">{nameOf(step)}</span>
              <span className="figures">{count(people)}</span>
            </button>
          </li>
        ))}
      </ul>
      <p className="mt-4 text-ink-3 text-meta">
        {t("journeys.simulate.from", { contacts: count(report.contacts), date: dayWords(asked.start) })}
      </p>
      {behind !== null && <BehindDialog asked={asked} behind={behind} onClose={() => setBehind(null)} />}
    </div>
  );
}

function Bars({
  title,
  of,
  rows,
  onOpen,
}: {
  title: string;
  of: number;
  rows: { key: string; label: string; count: number; number: Behind["number"] }[];
  onOpen: (behind: Behind) => void;
}) {
  if (rows.length === 0) return null;
  return (
    <>
      <h3 className="mt-4 mb-1 font-medium">{title}</h3>
      <ul className="-mx-2">
        {rows.map((row) => (
          <li key={row.key}>
            <button
              type="button"
              className="flex min-h-7 w-full items-center gap-3 rounded-control px-2 text-left hover:bg-hover"
              onClick={() => onOpen({ title: row.label, number: row.number, total: row.count })}
            >
              <span className="min-w-0 flex-1 truncate text-ink-2" title={row.label}>
                {row.label}
              </span>
              <span aria-hidden className="h-1.5 w-14 shrink-0 overflow-hidden rounded-full bg-sunken">
                <span
                  className="block h-full rounded-full bg-chart-1"
                  style={{ width: `${(100 * row.count) / Math.max(1, of)}%` }}
                />
              </span>
              <span className="figures w-12 shrink-0 text-right">{count(row.count)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function endText(end: End, nameOf: (id: string) => string): string {
  if (end.end === "completed") {
    return end.reason === ""
      ? t("journeys.simulate.end.completed")
      : t("journeys.simulate.end.completed_reason", { reason: words(end.reason) });
  }
  const reason = end.end === "goal" ? nameOf(end.reason) : "reason" in end ? end.reason : "";
  return t(`journeys.simulate.end.${end.end}`, { reason });
}

function Figure({ label, value, onOpen }: { label: string; value: number; onOpen?: () => void }) {
  const shown = value < 100_000 ? count(value) : compact(value);
  return (
    <div className="border-line-subtle px-3 not-first:border-l">
      <dt className="truncate text-ink-3 text-meta">{label}</dt>
      <dd className="figures font-semibold text-page" title={count(value)}>
        {onOpen === undefined || value === 0 ? (
          shown
        ) : (
          <button type="button" onClick={onOpen} className="rounded-control hover:text-accent-text">
            {shown}
          </button>
        )}
      </dd>
    </div>
  );
}

/** Leaves no light on when the panel that lit it is gone. */
export function useLightOff(): void {
  const store = useDesignerStore();
  useEffect(() => () => store.getState().show({ lit: null }), [store]);
}
