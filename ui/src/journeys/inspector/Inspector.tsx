import { ArrowRight, Copy, CopyPlus, Trash2 } from "lucide-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import type { JourneyView } from "@/api/gen/JourneyView";
import type { Problem } from "@/api/gen/Problem";
import type { Step } from "@/api/gen/Step";
import type { StepKindFace } from "@/api/gen/StepKindFace";
import { Button, cx, Field, IconButton, Note, TextInput } from "@/design";
import { count } from "@/format";
import { t } from "@/i18n";
import type { Figures } from "../canvas/paint";
import { hues } from "../canvas/StepCard";
import { copy, duplicate, remove } from "../canvas/useCanvasKeys";
import { orderedPorts, stepOf } from "../drawing";
import { familyOf } from "../families";
import { iconOf } from "../icons";
import { useDesigner, useDesignerStore } from "../state";
import { aboutKind, missingSetting, portName, titleOf, titleOfKind } from "../summary";
import { problemText } from "../words";
import { Here } from "./Here";
import { JourneySettings } from "./JourneySettings";
import { SettingForm } from "./SettingForm";

/** Forms of kinds that need more than the generated one: `steps/<kind>/form.tsx` with a default export. */
const own = import.meta.glob<{ default: React.ComponentType<{ step: Step; face: StepKindFace }> }>(
  "../steps/*/form.tsx",
);
const ownForms = Object.fromEntries(
  Object.entries(own).map(([path, load]) => [path.split("/").at(-2) ?? path, lazy(load)]),
);

/** What stands beside the drawing: the settings of the step, of several, or of the journey. Never in front of it. */
export function Inspector({
  figures,
  live,
}: {
  figures: ReadonlyMap<string, Figures>;
  /** The journey whose people stand here; `null` while the numbers are a simulation's. */
  live: JourneyView | null;
}) {
  const selection = useDesigner((state) => state.drawing.selection);
  const step = useDesigner((state) => stepOf(state.drawing.doc, state.drawing.selection[0] ?? ""));
  if (selection.length > 1) return <Several count={selection.length} />;
  if (!step) return <JourneySettings />;
  return <OneStep key={step.id} step={step} figures={figures.get(step.id) ?? null} live={live} />;
}

function Several({ count: many }: { count: number }) {
  const store = useDesignerStore();
  return (
    <div className="p-4">
      <h2 className="font-semibold text-section">{t("journeys.inspector.many", { count: many })}</h2>
      <p className="mt-1 mb-4 text-ink-2">{t("journeys.inspector.many_text")}</p>
      <div className="flex flex-wrap gap-2">
        <Button icon={Copy} onClick={() => void copy(store)}>
          {t("journeys.menu.copy")}
        </Button>
        <Button icon={CopyPlus} onClick={() => duplicate(store)}>
          {t("journeys.menu.duplicate")}
        </Button>
        <Button icon={Trash2} look="danger" onClick={() => remove(store, "clear")}>
          {t("journeys.menu.delete")}
        </Button>
      </div>
    </div>
  );
}

function OneStep({ step, figures, live }: { step: Step; figures: Figures | null; live: JourneyView | null }) {
  const store = useDesignerStore();
  const catalogue = useDesigner((state) => state.catalogue);
  const problems = useDesigner((state) => state.problems).filter((problem) => problem.step === step.id);
  const field = useDesigner((state) => state.field);
  const face = catalogue.of(step.kind);
  const panel = useRef<HTMLDivElement>(null);
  const Icon = iconOf(face?.icon ?? "");
  const Own = ownForms[step.kind];

  useEffect(() => {
    if (field === null) return;
    const fields = ':is(input,textarea,button,[tabindex="0"],[contenteditable="true"])';
    const all = `[data-setting] ${fields}`;
    const wanted =
      field === "first"
        ? (panel.current?.querySelector<HTMLElement>(all) ?? panel.current?.querySelector<HTMLElement>("input"))
        : panel.current?.querySelector<HTMLElement>(
            `[data-setting="${CSS.escape(field.split(/[.[]/)[0] ?? field)}"] ${fields}`,
          );
    wanted?.focus();
    if (wanted instanceof HTMLInputElement && field === "name") wanted.select();
    store.getState().show({ field: null });
  }, [field, store]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape leads back to the drawing from any field in here.
    <div
      ref={panel}
      className="flex min-h-full flex-col"
      onBlur={() => store.getState().seal()}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        event.stopPropagation();
        store.getState().canvas?.focus();
      }}
    >
      <header className="px-4 pt-4">
        <div className="flex items-center gap-2">
          <Icon size={16} aria-hidden className={cx("shrink-0", hues[familyOf(step.kind, face?.group)])} />
          <h2 className="min-w-0 flex-1 truncate font-semibold text-section">{titleOf(step)}</h2>
          <IconButton
            icon={CopyPlus}
            label={t("journeys.menu.duplicate")}
            shortcut="Ctrl D"
            onClick={() => duplicate(store)}
          />
          <IconButton
            icon={Trash2}
            label={t("journeys.menu.delete")}
            shortcut="Del"
            onClick={() => {
              remove(store, "clear");
              store.getState().canvas?.focus();
            }}
          />
        </div>
        <p className="mt-0.5 text-ink-2">
          {face ? aboutKind(step.kind) : t("journeys.inspector.unknown_kind", { kind: step.kind })}
        </p>
      </header>
      <div className="space-y-4 p-4">
        {Own && face ? (
          <Suspense>
            <Own step={step} face={face} />
          </Suspense>
        ) : (
          face?.settings.map((setting) => (
            <SettingForm
              key={setting.name}
              step={step}
              face={face}
              setting={setting}
              error={worst(problems.filter((problem) => root(problem.field) === setting.name))}
            />
          ))
        )}
        <Field label={t("journeys.inspector.name")} optional>
          <div data-setting="name">
            <TextInput
              value={step.name ?? ""}
              maxLength={120}
              placeholder={titleOfKind(step.kind)}
              onChange={(event) =>
                store.getState().perform({ op: "rename", step: step.id, name: event.currentTarget.value })
              }
            />
          </div>
        </Field>
        {/* Last, because they come a moment after a change: nothing that is being filled in may move for them. */}
        <General problems={problems} step={step} />
      </div>
      <Ways step={step} figures={figures} />
      {live && live.version !== null && <Here step={step} live={live} waiting={figures?.waiting ?? 0} />}
    </div>
  );
}

/** An error before a warning. */
const worst = (problems: readonly Problem[]): Problem | undefined =>
  problems.find((problem) => problem.severity === "error") ?? problems[0];

/** Problems of the step that belong to none of its settings. */
function General({ problems, step }: { problems: readonly Problem[]; step: Step }) {
  const catalogue = useDesigner((state) => state.catalogue);
  const face = catalogue.of(step.kind);
  const doc = useDesigner((state) => state.drawing.doc);
  const known = new Set(face?.settings.map((setting) => setting.name));
  // A setting that is not filled in yet says so itself, below.
  const general = problems.filter(
    (problem) =>
      (problem.field === null || !known.has(root(problem.field) ?? "")) &&
      !(problem.code === "bad_settings" && missingSetting(step, catalogue)),
  );
  if (general.length === 0) return null;
  return (
    <div className="space-y-2">
      {general.map((problem, at) => (
        <Note key={`${problem.code} ${at}`} tone={problem.severity === "error" ? "bad" : "warn"}>
          {problemText(problem, doc, catalogue)}
        </Note>
      ))}
    </div>
  );
}

/** Where each port leads, and how many went that way. */
function Ways({ step, figures }: { step: Step; figures: Figures | null }) {
  const store = useDesignerStore();
  const doc = useDesigner((state) => state.drawing.doc);
  const catalogue = useDesigner((state) => state.catalogue);
  const ports = orderedPorts(step, catalogue.portsOf);
  if (ports.length === 0) return null;
  return (
    <section className="border-line-subtle border-t px-4 py-3">
      <h3 className="mb-1 font-medium text-ink-3 text-meta">{t("journeys.inspector.leads_to")}</h3>
      <ul>
        {ports.map((port) => {
          const to = stepOf(doc, step.next?.[port] ?? "");
          const went = figures?.left[port] ?? 0;
          return (
            <li key={port} className="flex min-h-7 items-center gap-2">
              <span className="w-24 shrink-0 truncate text-ink-2">{portName(step, port)}</span>
              <ArrowRight size={14} aria-hidden className="shrink-0 text-ink-3" />
              {to ? (
                <button
                  type="button"
                  className="min-w-0 flex-1 truncate rounded-control px-1 text-left hover:bg-hover"
                  onClick={() => store.getState().select([to.id], to.id)}
                >
                  {titleOf(to)}
                </button>
              ) : (
                <button
                  type="button"
                  className="min-w-0 flex-1 truncate rounded-control px-1 text-left text-accent-text hover:bg-hover"
                  onClick={() => {
                    store.getState().show({ connecting: { step: step.id, port } });
                    store.getState().canvas?.focus();
                  }}
                >
                  {t("journeys.inspector.connect")}
                </button>
              )}
              {went > 0 && <span className="figures text-ink-3 text-table">{count(went)}</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function root(field: string | null): string | null {
  return field === null ? null : (field.split(/[.[]/)[0] ?? field);
}
