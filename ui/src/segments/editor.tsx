import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, Save, Trash2, Users } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { SegmentCount } from "@/api/gen/SegmentCount";
import type { SegmentRow } from "@/api/gen/SegmentRow";
import type { TextProblem } from "@/api/gen/TextProblem";
import {
  Button,
  Card,
  Confirm,
  cx,
  ErrorView,
  Field,
  IconButton,
  ScrollBox,
  SkeletonLines,
  Sparkline,
  SplitPane,
  say,
  sayError,
  Tabs,
  TextInput,
} from "@/design";
import { count, number, percent } from "@/format";
import { t } from "@/i18n";
import { useDelayed } from "@/shell/delayed";
import { ExportMenu } from "@/shell/export";
import { ExpressionEditor } from "@/shell/expressions/editor";
import { useSaveKey } from "@/shell/keys";
import { useUnsaved } from "@/shell/unsaved";
import { Around } from "./around";
import { EXAMPLES } from "./examples";
import { Near } from "./near";
import { Sample } from "./sample";
import { WhyPanel } from "./why";

const route = getRouteApi("/segments/$segment");

/** A segment as text, with whom it means at every keystroke. */
export function SegmentScreen() {
  const { segment } = route.useParams();
  const list = useRead("segments.list", {});
  // Only where there was never an answer: one that fails later must not take away what is written.
  if (list.isLoadingError) return <ErrorView error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <SkeletonLines />;
  const row = list.data.find((each) => String(each.id) === segment) ?? null;
  if (row === null && segment !== "new") {
    return (
      <div className="p-6">
        <p>{t("segments.gone")}</p>
        <Link to="/segments" className="text-accent-text">
          {t("segments.title")}
        </Link>
      </div>
    );
  }
  return <Editor key={segment} row={row} />;
}

function Editor({ row }: { row: SegmentRow | null }) {
  const navigate = useNavigate();
  const [name, setName] = useState(row?.name ?? "");
  const [text, setText] = useState(row?.text ?? "");
  const [tab, setTab] = useState<"sample" | "near" | "why" | "around">("sample");
  const [explained, setExplained] = useState<number | null>(null);
  const [deleting, setDeleting] = useState(false);
  // The count is to be there 150 ms after the key: most of that belongs to the question, not to the waiting.
  const asked = useDelayed(text, 60);
  const empty = asked.trim() === "";
  const check = useRead("segments.check", { text: asked }, { enabled: !empty, keep: true });
  const checked = check.data !== undefined && !check.isPlaceholderData && !empty;
  const fine = check.data?.ok === true && !empty;
  const counted = useRead("segments.count", { text: asked, clauses: true }, { enabled: fine && checked, keep: true });
  const save = useWrite("segments.save", {
    onSuccess: (saved, sent) => {
      say(t("segments.saved", { name: saved.name }));
      // What was typed in the meantime is not taken away.
      setText((now) => (now === sent.text ? saved.text : now));
      if (row === null)
        void navigate({
          to: "/segments/$segment",
          params: { segment: String(saved.id) },
          replace: true,
          ignoreBlocker: true,
        });
    },
    onError: sayError,
  });
  const remove = useWrite("segments.delete", {
    onSuccess: () => void navigate({ to: "/segments", ignoreBlocker: true }),
    onError: sayError,
  });
  const current = checked && asked === text;
  const error = current ? (check.data?.error ?? null) : null;
  const hints = current ? (check.data?.hints ?? []) : [];
  const changed = name.trim() !== (row?.name ?? "") || text !== (row?.text ?? "");
  useUnsaved(changed);
  const ready = fine && current && name.trim() !== "" && changed && !save.isPending;
  const onSave = () => save.mutate({ id: row?.id ?? null, name: name.trim(), text });
  useSaveKey(ready ? onSave : null);
  // The people shown stay those of the last text that could be read, until the next one can.
  const [readable, setReadable] = useState<string | null>(null);
  if (fine && checked && readable !== asked) setReadable(asked);
  const shownText = fine ? readable : null;
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/segments"
          aria-label={t("segments.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 truncate font-semibold text-section">{row?.name ?? t("segments.create")}</h1>
        {row !== null && <IconButton icon={Trash2} label={t("segments.delete")} onClick={() => setDeleting(true)} />}
        <Button look="primary" icon={Save} disabled={!ready} busy={save.isPending} onClick={onSave}>
          {t("common.save")}
        </Button>
      </header>
      <SplitPane
        label={t("segments.people")}
        remember="segment"
        initial={420}
        first={
          <div className="min-h-0 flex-1 space-y-4 overflow-auto p-6">
            <Field label={t("segments.name")} className="max-w-100">
              <TextInput value={name} onChange={(event) => setName(event.target.value)} />
            </Field>
            <div>
              <p className="mb-1 font-medium">{t("segments.who")}</p>
              <ExpressionEditor
                self={row?.name ?? null}
                ranks
                label={t("segments.who")}
                value={text}
                onChange={setText}
                problems={[
                  ...(error === null ? [] : [marked(error, "error")]),
                  ...hints.map((hint) => marked(hint, "warning")),
                ]}
                className="[&_.cm-editor]:min-h-30"
              />
              {check.isError && <ErrorView error={check.error} onRetry={() => void check.refetch()} />}
              <Verdict text={text} error={error} hints={hints} fine={fine && current} />
            </div>
            {counted.isError && <ErrorView error={counted.error} onRetry={() => void counted.refetch()} />}
            {fine && counted.data !== undefined && <Clauses count={counted.data} dim={counted.isPlaceholderData} />}
            {text.trim() === "" && <Examples onChoose={setText} />}
            <Grammar />
          </div>
        }
        second={
          <>
            <div className="px-4 pt-5 pb-4" aria-live="polite">
              <div className="flex items-center gap-2 text-ink-2">
                <Users size={16} aria-hidden />
                <span className="flex-1">{t("segments.members")}</span>
                {shownText !== null && (
                  <ExportMenu
                    list={{ of: "contacts", who: { where: shownText, search: null, except: [] }, columns: [] }}
                    name="segment"
                    compact
                  />
                )}
              </div>
              <p
                className={cx("figures font-semibold text-hero", (!fine || counted.isPlaceholderData) && "text-ink-3")}
              >
                {counted.data === undefined || empty ? "–" : count(counted.data.count)}
              </p>
              <p className="figures h-5 text-ink-3">
                {counted.data !== undefined &&
                  !empty &&
                  t("segments.of_all", {
                    share: percent(counted.data.total === 0 ? 0 : counted.data.count / counted.data.total),
                    all: count(counted.data.total),
                    ms: number(Math.ceil(counted.data.took_ms * 10) / 10),
                  })}
              </p>
              {row !== null && row.history.length > 1 && <Trend history={row.history} />}
              {row?.cuts.map((cut) => (
                <p key={cut} className="mt-2 text-ink-2 text-table">
                  {t("segments.cut", { cut })}
                </p>
              ))}
            </div>
            <Tabs
              label={t("segments.people")}
              className="min-h-0 flex-1"
              value={tab}
              onChange={setTab}
              tabs={[
                { value: "sample", label: t("segments.sample"), panel: <Sample text={shownText} /> },
                {
                  value: "near",
                  label: t("segments.near.title"),
                  panel: (
                    <Near
                      text={shownText}
                      onWhy={(contact) => {
                        setExplained(contact);
                        setTab("why");
                      }}
                    />
                  ),
                },
                {
                  value: "why",
                  label: t("segments.why.title"),
                  panel: <WhyPanel text={shownText} contact={explained} onContact={setExplained} />,
                },
                {
                  value: "around",
                  label: t("segments.around.title"),
                  panel: <Around id={row?.id ?? null} text={shownText} />,
                },
              ]}
            />
          </>
        }
      />
      {row !== null && (
        <Confirm
          open={deleting}
          onClose={() => setDeleting(false)}
          onConfirm={() => remove.mutate({ id: row.id })}
          busy={remove.isPending}
          title={t("segments.delete_title", { name: row.name })}
          about={t("segments.delete_about", { n: row.used_by })}
          action={t("segments.delete")}
        />
      )}
    </>
  );
}

/** Members of the saved text at the end of each day. */
function Trend({ history }: { history: number[] }) {
  return (
    <div className="mt-3 flex items-end gap-3">
      <Sparkline values={history} className="block h-8 min-w-0 flex-1" />
      <span className="figures shrink-0 text-right text-ink-3 text-table">
        {count(history[0] ?? 0)} → {count(history.at(-1) ?? 0)}
        <br />
        {t("segments.trend", { days: history.length })}
      </span>
    </div>
  );
}

const marked = (problem: TextProblem, severity: "error" | "warning") => ({
  from: problem.offset,
  to: problem.offset + problem.length,
  message: problem.message,
  severity,
});

/** A sentence about a place in the text. */
function placed(text: string, { offset, message }: TextProblem) {
  const line = text.slice(0, offset).split("\n").length;
  const at = offset - text.lastIndexOf("\n", offset - 1);
  return t("segments.error_at", { line, at, message });
}

interface Said {
  text: string;
  error: TextProblem | null;
  hints: TextProblem[];
  /** It was read as it stands. */
  fine: boolean;
}

function Verdict({ text, error, hints, fine }: Said) {
  if (error !== null)
    return (
      <p role="status" className="mt-1 text-bad text-table">
        {placed(text, error)}
      </p>
    );
  if (hints.length > 0)
    return (
      <ul role="status" className="mt-1 text-table text-warn">
        {hints.map((hint) => (
          <li key={`${hint.offset}-${hint.message}`}>{placed(text, hint)}</li>
        ))}
      </ul>
    );
  return (
    <p className="mt-1 h-5 text-ink-3 text-table">
      {text.trim() === "" ? `${t("segments.hint")} ${t("segments.complete.hint")}` : fine && t("segments.reads_well")}
    </p>
  );
}

function Clauses({ count: counted, dim }: { count: SegmentCount; dim: boolean }) {
  if (counted.clauses.length < 2 && counted.clauses.every(({ cut }) => cut === undefined)) return null;
  const high = Math.max(1, counted.total);
  return (
    <Card
      title={t("segments.clauses")}
      about={t("segments.clauses_about")}
      className={dim ? "opacity-60" : undefined}
      flush
    >
      <ul className="pb-2">
        {counted.clauses.map((clause, at) => (
          <li key={`${at}-${clause.text}`} className="relative flex min-h-8 items-center gap-3 px-4 py-1">
            <span className="min-w-0 flex-1">
              <span className="block truncate font-mono text-table" title={clause.text}>
                {clause.text}
              </span>
              {clause.cut !== undefined && <span className="block text-ink-2 text-table">{clause.cut}</span>}
            </span>
            <span aria-hidden className="h-1.5 w-24 shrink-0 overflow-hidden rounded-full bg-sunken">
              <span
                className="block h-full rounded-full bg-chart-1"
                style={{ width: `${(clause.count / high) * 100}%` }}
              />
            </span>
            <span className="figures w-20 shrink-0 text-right text-table">{count(clause.count)}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Examples({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <Card title={t("segments.examples")} about={t("segments.examples_about")} flush>
      <ul className="pb-2">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button
              type="button"
              onClick={() => onChoose(example)}
              className="ring-inside block min-h-8 w-full px-4 py-1.5 text-left font-mono text-table hover:bg-hover"
            >
              {example}
            </button>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** All that can be said, as the engine itself tells it. */
function Grammar() {
  const [open, setOpen] = useState(false);
  const grammar = useRead("segments.grammar", {}, { enabled: open });
  return (
    <details
      className="rounded-card border border-line-subtle bg-surface"
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary className="ring-inside flex h-10 items-center px-4 font-medium hover:bg-hover">
        {t("segments.grammar")}
      </summary>
      <div className="border-line-subtle border-t">
        {grammar.isError && <ErrorView error={grammar.error} onRetry={() => void grammar.refetch()} />}
        {open && grammar.isPending && <SkeletonLines />}
        {grammar.data !== undefined && (
          <ScrollBox label={t("segments.grammar")} className="max-h-120">
            <pre className="select-text px-4 py-3 font-mono text-table leading-5">{grammar.data}</pre>
          </ScrollBox>
        )}
      </div>
    </details>
  );
}
