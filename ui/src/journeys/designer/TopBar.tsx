import { Link, useNavigate } from "@tanstack/react-router";
import {
  ChevronLeft,
  CircleAlert,
  CircleCheck,
  Copy,
  Download,
  Ellipsis,
  FlaskConical,
  History,
  Keyboard,
  PanelRight,
  Pause,
  Play,
  Redo2,
  Square,
  TriangleAlert,
  Undo2,
  Waypoints,
} from "lucide-react";
import { useState } from "react";
import type { JourneyView } from "@/api/gen/JourneyView";
import { Badge, Button, cx, ErrorNote, IconButton, Menu, type MenuEntry, Note } from "@/design";
import { t } from "@/i18n";
import { JOURNEY_TONES } from "@/shell/tones";
import { useJourneyActions } from "../actions";
import { type Panel, useDesigner, useDesignerStore } from "../state";
import type { Draft } from "../useDraft";
import { labelText } from "../words";
import { type Act, Acts } from "./Acts";
import { PublishSheet } from "./PublishSheet";

/** Name, state, undo, problems, and the way to live. */
export function TopBar({ view, draft, active }: { view: JourneyView; draft: Draft; active: number }) {
  const store = useDesignerStore();
  const navigate = useNavigate();
  const name = useDesigner((state) => state.drawing.doc.name);
  const past = useDesigner((state) => state.drawing.past);
  const future = useDesigner((state) => state.drawing.future);
  const panel = useDesigner((state) => state.panel);
  const [publishing, setPublishing] = useState(false);
  const [act, setAct] = useState<Act | null>(null);
  const actions = useJourneyActions();
  const last = past[past.length - 1];
  const next = future[0];
  const turn = (wanted: Panel) => store.getState().show({ panel: panel === wanted ? null : wanted });

  const running = view.state === "live" || view.state === "paused" || view.state === "draining";
  // Versions, copies and files are made of what the file has: where it could not be saved, none is made of an older
  // drawing. The second time is for what was drawn while the first was under way.
  const onceSaved = async (then: () => unknown) => {
    if ((await draft.save()) || (await draft.save())) await then();
  };
  const more: MenuEntry[] = [
    ...(view.state === "live" || view.state === "paused"
      ? [{ label: t("journeys.act.drain"), icon: Waypoints, onSelect: () => setAct("drain") }]
      : []),
    ...(running ? [{ label: t("journeys.act.stop"), icon: Square, danger: true, onSelect: () => setAct("stop") }] : []),
    {
      label: t("journeys.duplicate"),
      icon: Copy,
      divided: running,
      onSelect: () =>
        void onceSaved(async () => {
          const id = await actions.duplicate(view.id);
          if (id !== null) void navigate({ to: "/journeys/$journey", params: { journey: String(id) } });
        }),
    },
    {
      label: t("journeys.export"),
      icon: Download,
      onSelect: () => void onceSaved(() => actions.exportFile(view.id, name)),
    },
    { label: t("journeys.bar.history"), icon: History, divided: true, onSelect: () => turn("history") },
    {
      label: t("journeys.bar.keys"),
      icon: Keyboard,
      shortcut: "?",
      onSelect: () => store.getState().show({ keysShown: true }),
    },
  ];
  return (
    <>
      <header className="flex h-12 shrink-0 items-center gap-2 border-line-subtle border-b bg-surface pr-3 pl-2">
        <Link
          to="/journeys"
          aria-label={t("journeys.back")}
          className="flex size-8 shrink-0 items-center justify-center rounded-control text-ink-2 hover:bg-hover hover:text-ink-1"
        >
          <ChevronLeft size={16} aria-hidden />
        </Link>
        <span className="inline-grid h-8 min-w-24 max-w-80 font-semibold text-section">
          {/* Makes the field as wide as its text: `field-sizing` is not known to every web view. */}
          <span aria-hidden className="invisible col-start-1 row-start-1 overflow-hidden whitespace-pre px-2">
            {name}
          </span>
          <input
            aria-label={t("journeys.name")}
            value={name}
            size={1}
            maxLength={120}
            spellCheck={false}
            onChange={(event) => store.getState().perform({ op: "journey", change: { name: event.target.value } })}
            onBlur={() => store.getState().seal()}
            onKeyDown={(event) => event.key === "Enter" && store.getState().canvas?.focus()}
            className="ring-inside col-start-1 row-start-1 min-w-0 rounded-control border border-transparent bg-transparent px-1.5 hover:border-line-default focus:border-line-control"
          />
        </span>
        <Badge tone={JOURNEY_TONES[view.state]} dot>
          {t(`common.journey_states.${view.state}`)}
        </Badge>
        <span className="truncate text-ink-3 text-table">
          {view.version === null
            ? t("journeys.never_published")
            : t(view.changed ? "journeys.version_changed" : "journeys.version", { version: view.version })}
        </span>
        <Saving draft={draft} />
        <span className="flex-1" />
        <IconButton
          icon={Undo2}
          label={last ? t("journeys.bar.undo_what", { what: labelText(last.label) }) : t("journeys.bar.undo")}
          shortcut="Ctrl Z"
          disabled={!last}
          onClick={() => store.getState().undo()}
        />
        <IconButton
          icon={Redo2}
          label={next ? t("journeys.bar.redo_what", { what: labelText(next.label) }) : t("journeys.bar.redo")}
          shortcut="Ctrl ⇧ Z"
          disabled={!next}
          onClick={() => store.getState().redo()}
        />
        <span className="mx-1 h-4 border-line-default border-l" />
        <ProblemsButton pressed={panel === "problems"} onClick={() => turn("problems")} />
        <Button
          look="quiet"
          icon={FlaskConical}
          aria-pressed={panel === "simulate"}
          onClick={() => turn("simulate")}
          className={cx(panel === "simulate" && "bg-selected text-accent-text")}
        >
          {t("journeys.bar.simulate")}
        </Button>
        <IconButton
          icon={PanelRight}
          label={t("journeys.bar.settings")}
          shortcut="Enter"
          pressed={panel === "inspector"}
          onClick={() => turn("inspector")}
        />
        <Menu align="end" trigger={<IconButton icon={Ellipsis} label={t("journeys.bar.more")} />} entries={more} />
        {view.state === "live" && (
          <Button icon={Pause} onClick={() => setAct("pause")}>
            {t("journeys.act.pause")}
          </Button>
        )}
        {(view.state === "paused" || view.state === "draining") && (
          <Button icon={Play} onClick={() => setAct("resume")}>
            {t("journeys.act.resume")}
          </Button>
        )}
        <Button
          look="primary"
          onClick={() => void onceSaved(() => setPublishing(true))}
          disabled={
            draft.state.is === "conflict" || (view.state === "live" && !view.changed && draft.state.is === "saved")
          }
        >
          {t("journeys.bar.publish")}
        </Button>
      </header>
      {draft.state.is === "conflict" && <Conflict draft={draft} />}
      {draft.state.is === "failed" && <Failed draft={draft} />}
      {publishing && <PublishSheet view={view} revision={draft.revision} onClose={() => setPublishing(false)} />}
      <Acts act={act} id={view.id} name={name} active={active} onClose={() => setAct(null)} />
    </>
  );
}

function ProblemsButton({ pressed, onClick }: { pressed: boolean; onClick: () => void }) {
  const problems = useDesigner((state) => state.problems);
  const errors = problems.filter((problem) => problem.severity === "error").length;
  const Icon = errors > 0 ? CircleAlert : problems.length > 0 ? TriangleAlert : CircleCheck;
  return (
    <button
      type="button"
      aria-pressed={pressed}
      onClick={onClick}
      className={cx(
        "figures inline-flex h-8 items-center gap-1.5 rounded-control px-2.5 font-medium hover:bg-hover",
        pressed && "bg-selected",
        errors > 0 ? "text-bad" : problems.length > 0 ? "text-warn" : "text-ink-2",
      )}
    >
      <Icon size={16} aria-hidden className={cx(errors === 0 && problems.length === 0 && "text-ok")} />
      {t("journeys.problems.count", { count: problems.length })}
    </button>
  );
}

/** Whether the file has what the canvas shows. */
function Saving({ draft }: { draft: Draft }) {
  const words = {
    saved: t("journeys.save.saved"),
    waiting: t("journeys.save.waiting"),
    saving: t("journeys.save.saving"),
    failed: t("journeys.save.failed"),
    conflict: t("journeys.save.failed"),
  };
  const bad = draft.state.is === "failed" || draft.state.is === "conflict";
  // A draft is never long unsaved; the words change quietly and keep their room.
  return (
    <span aria-live="polite" className={cx("shrink-0 text-table", bad ? "font-medium text-bad" : "text-ink-3")}>
      · {words[draft.state.is]}
    </span>
  );
}

function Conflict({ draft }: { draft: Draft }) {
  return (
    <div className="border-line-subtle border-b p-2">
      <Note
        tone="warn"
        title={t("journeys.save.conflict_title")}
        actions={
          <span className="flex shrink-0 gap-2">
            <Button onClick={() => void draft.resolve("theirs")}>{t("journeys.save.take_theirs")}</Button>
            <Button look="primary" onClick={() => void draft.resolve("mine")}>
              {t("journeys.save.keep_mine")}
            </Button>
          </span>
        }
      >
        {t("journeys.save.conflict_text")}
      </Note>
    </div>
  );
}

function Failed({ draft }: { draft: Draft }) {
  if (draft.state.is !== "failed") return null;
  return (
    <div className="border-line-subtle border-b p-2">
      <ErrorNote error={draft.state.error} action={t("journeys.save.retry")} onRetry={() => void draft.save()} />
    </div>
  );
}
