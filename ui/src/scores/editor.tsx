import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Archive, ArrowLeft, Rocket, Save } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ScoreModel } from "@/api/gen/ScoreModel";
import type { ScoreRow } from "@/api/gen/ScoreRow";
import {
  Badge,
  Button,
  Confirm,
  ErrorView,
  Field,
  IconButton,
  SkeletonLines,
  SplitPane,
  say,
  sayError,
  TextInput,
} from "@/design";
import { t } from "@/i18n";
import { useDelayed } from "@/shell/delayed";
import { useSaveKey } from "@/shell/keys";
import { useUnsaved } from "@/shell/unsaved";
import { BacktestPanel } from "./backtest";
import { newGrade, newPoints, same } from "./draft";
import { GradeForm } from "./grade";
import { PreviewPanel } from "./preview";
import { RulesForm } from "./rules";
import { Thresholds } from "./thresholds";

const route = getRouteApi("/scores/$score");

/** A score with its rules, and what they say of people at every change. */
export function ScoreScreen() {
  const { score } = route.useParams();
  const list = useRead("scores.list", {});
  if (list.isLoadingError) return <ErrorView error={list.error} onRetry={() => void list.refetch()} />;
  if (list.data === undefined) return <SkeletonLines />;
  const row = list.data.find((each) => String(each.id) === score) ?? null;
  if (row === null && score !== "new" && score !== "new-grade") {
    return (
      <div className="p-6">
        <p>{t("scores.gone")}</p>
        <Link to="/scores" className="text-accent-text">
          {t("scores.title")}
        </Link>
      </div>
    );
  }
  return <Editor key={score} row={row} all={list.data} grade={score === "new-grade"} />;
}

/** Keys of the scores that a grade can be made of. */
const measured = (all: readonly ScoreRow[]) => all.filter((each) => each.published?.kind === "points");

function Editor({ row, all, grade }: { row: ScoreRow | null; all: readonly ScoreRow[]; grade: boolean }) {
  const navigate = useNavigate();
  const [name, setName] = useState(row?.name ?? "");
  const [fresh] = useState<ScoreModel>(() =>
    grade ? newGrade(measured(all).map(({ key }) => key)) : newPoints(t("scores.first_group")),
  );
  const [model, setModel] = useState<ScoreModel>(row?.draft ?? fresh);
  const [asking, setAsking] = useState<"publish" | "archive" | null>(null);
  const asked = useDelayed(model, 250);
  const check = useRead("scores.check", { id: row?.id ?? null, model: asked }, { keep: true });
  const current = check.data !== undefined && !check.isPlaceholderData && asked === model;
  const troubles = check.data ?? [];
  const stopped = troubles.some((trouble) => trouble.severity === "error");
  const fine = current && !stopped;
  const changed = name.trim() !== (row?.name ?? "") || !same(model, row?.draft ?? fresh);
  useUnsaved(changed);
  const save = useWrite("scores.save", {
    onSuccess: (saved) => {
      say(t("scores.saved", { name: saved.name }));
      if (row === null)
        void navigate({
          to: "/scores/$score",
          params: { score: String(saved.id) },
          replace: true,
          ignoreBlocker: true,
        });
    },
    onError: sayError,
  });
  const publish = useWrite("scores.publish", {
    onSuccess: (published) => {
      setAsking(null);
      say(t("scores.was_published", { name: published.name }));
    },
    onError: sayError,
  });
  const archive = useWrite("scores.archive", {
    onSuccess: () => {
      setAsking(null);
      say(t("scores.was_archived"));
    },
    onError: sayError,
  });
  const ready = name.trim() !== "" && (changed || row === null) && !save.isPending;
  const onSave = () => save.mutate({ id: row?.id ?? null, key: null, name: name.trim(), draft: model });
  useSaveKey(ready ? onSave : null);
  const publishable = row !== null && !changed && fine && (row.changed || row.published === null);
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/scores"
          aria-label={t("scores.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 truncate font-semibold text-section">
          {row?.name ?? t(grade ? "scores.create_grade" : "scores.create")}
        </h1>
        {row?.published && <Badge tone="ok">{t("scores.version", { n: row.version })}</Badge>}
        <span className="flex-1" />
        {row?.published && (
          <IconButton icon={Archive} label={t("scores.archive")} onClick={() => setAsking("archive")} />
        )}
        <Button icon={Save} disabled={!ready} busy={save.isPending} onClick={onSave}>
          {t("scores.save_draft")}
        </Button>
        <Button look="primary" icon={Rocket} disabled={!publishable} onClick={() => setAsking("publish")}>
          {t("scores.publish")}
        </Button>
      </header>
      <SplitPane
        label={t("scores.preview.title")}
        remember="score"
        initial={380}
        first={
          <div className="min-h-0 flex-1 space-y-4 overflow-auto p-6">
            <Field
              label={t("scores.name")}
              className="max-w-100"
              help={row === null ? undefined : t("scores.field_is", { field: `score_${row.key}` })}
            >
              <TextInput value={name} onChange={(event) => setName(event.target.value)} />
            </Field>
            {check.isError && <ErrorView error={check.error} onRetry={() => void check.refetch()} />}
            {model.kind === "points" ? (
              <RulesForm model={model} troubles={current ? troubles : []} onChange={setModel} />
            ) : (
              <GradeForm model={model} scores={measured(all)} troubles={current ? troubles : []} onChange={setModel} />
            )}
          </div>
        }
        second={
          <div className="min-h-0 flex-1 space-y-4 overflow-auto p-4">
            <PreviewPanel id={row?.id ?? null} model={!stopped && check.data !== undefined ? asked : null} />
            <BacktestPanel id={row?.id ?? null} model={!stopped && check.data !== undefined ? asked : null} />
            {row?.published?.kind === "points" && <Thresholds row={row} />}
          </div>
        }
      />
      {row !== null && (
        <>
          <Confirm
            open={asking === "publish"}
            onClose={() => setAsking(null)}
            onConfirm={() => publish.mutate({ id: row.id })}
            busy={publish.isPending}
            danger={false}
            title={t("scores.publish_title", { name: row.name })}
            about={t("scores.publish_about")}
            action={t("scores.publish")}
          />
          <Confirm
            open={asking === "archive"}
            onClose={() => setAsking(null)}
            onConfirm={() => archive.mutate({ id: row.id })}
            busy={archive.isPending}
            title={t("scores.archive_title", { name: row.name })}
            about={t("scores.archive_about", { field: `score_${row.key}` })}
            action={t("scores.archive")}
          />
        </>
      )}
    </>
  );
}
