import { Link } from "@tanstack/react-router";
import { ArrowLeft, FileClock } from "lucide-react";
import { useEffect, useState } from "react";
import { useWrite } from "@/api/client";
import type { EventsPreview } from "@/api/gen/EventsPreview";
import type { FileRef } from "@/api/gen/FileRef";
import type { ImportId } from "@/api/gen/ImportId";
import { host } from "@/api/host";
import { Button, Field, Note, Segmented, Select, SuggestInput, sayError, TextInput } from "@/design";
import { bytes } from "@/format";
import { t } from "@/i18n";
import { eventSuggestions, useVocabulary } from "@/shell/vocabulary";
import { type EventsChoice, eventsPlan, eventsProblems, guessed, propsOf } from "./events-plan";
import { FirstRows } from "./first-rows";
import { RunStep } from "./result";

/** What contacts did, from a file of a shop or another program. */
export function ImportEventsScreen() {
  const [preview, setPreview] = useState<EventsPreview | null>(null);
  const [choice, setChoice] = useState<EventsChoice | null>(null);
  const [running, setRunning] = useState<{ job: number; import: ImportId } | null>(null);
  const open = useWrite("events.import_open", {
    onSuccess: (next) => {
      setPreview(next);
      setChoice(guessed(next.guess));
    },
    onError: sayError,
  });
  const run = useWrite("events.import_run", { onSuccess: setRunning, onError: sayError });
  const openFile = open.mutate;
  const choosing = preview === null;
  useEffect(
    () =>
      host().onFilesDropped(([first]) => {
        if (first !== undefined && choosing) openFile({ file: first.file });
      }),
    [choosing, openFile],
  );
  const restart = () => {
    setPreview(null);
    setChoice(null);
    setRunning(null);
  };
  const plan = preview === null || choice === null ? null : eventsPlan(preview, choice);
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts/imports"
          aria-label={t("contacts.events.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 truncate font-semibold text-section">
          {preview === null ? t("contacts.events.title") : t("contacts.import.of_file", { name: preview.name })}
        </h1>
      </header>
      <div className="min-h-0 flex-1 overflow-auto">
        {running !== null && <RunStep running={running} onRestart={restart} />}
        {running === null && preview === null && <Choose busy={open.isPending} onFile={(file) => openFile({ file })} />}
        {running === null && preview !== null && choice !== null && (
          <MapEvents preview={preview} choice={choice} onChoice={setChoice} />
        )}
      </div>
      {running === null && preview !== null && (
        <footer className="flex shrink-0 items-center gap-2 border-line-subtle border-t bg-surface px-6 py-3">
          <Button onClick={restart}>{t("common.back")}</Button>
          <div className="flex-1" />
          <Button
            look="primary"
            disabled={plan === null}
            busy={run.isPending}
            onClick={() => plan !== null && run.mutate(plan)}
          >
            {t("contacts.events.run")}
          </Button>
        </footer>
      )}
    </>
  );
}

function Choose({ busy, onFile }: { busy: boolean; onFile: (file: FileRef) => void }) {
  const choose = async () => {
    try {
      const chosen = await host().chooseFile("events");
      if (chosen !== null) onFile(chosen.file);
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <div className="mx-auto max-w-150 px-6 py-12">
      <div className="flex flex-col items-center rounded-card border border-line-control border-dashed bg-surface px-8 py-14 text-center">
        <FileClock size={32} strokeWidth={1.5} aria-hidden className="mb-4 text-ink-3" />
        <h2 className="font-semibold text-section">{t("contacts.events.drop")}</h2>
        <p className="mt-1 max-w-100 text-ink-2">{t("contacts.events.drop_about")}</p>
        <Button look="primary" className="mt-5" busy={busy} onClick={() => void choose()}>
          {t("contacts.import.choose")}
        </Button>
      </div>
      <ul className="mt-6 list-disc space-y-1 pl-5 text-ink-2">
        <li>{t("contacts.events.promise_once")}</li>
        <li>{t("contacts.events.promise_known")}</li>
        <li>{t("contacts.events.promise_moves")}</li>
      </ul>
    </div>
  );
}

function MapEvents({
  preview,
  choice,
  onChoice,
}: {
  preview: EventsPreview;
  choice: EventsChoice;
  onChoice: (choice: EventsChoice) => void;
}) {
  const words = useVocabulary();
  const set = (change: Partial<EventsChoice>) => onChoice({ ...choice, ...change });
  const columns = preview.columns.map((column) => ({ value: column, label: column }));
  const problems = eventsProblems(choice);
  const props = propsOf(preview, choice);
  return (
    <div className="mx-auto max-w-180 space-y-5 px-6 py-6">
      <p className="figures text-ink-2">
        {t("contacts.import.size", { rows: preview.rows_about, size: bytes(preview.bytes) })}
      </p>
      {problems.includes("column_twice") && <Note tone="bad">{t("contacts.events.column_twice")}</Note>}
      <div className="grid grid-cols-2 gap-4">
        <Field label={t("contacts.events.email")}>
          <Select value={choice.email || null} onChange={(email) => set({ email })} options={columns} />
        </Field>
        <Field label={t("contacts.events.at")} help={t("contacts.events.at_help")}>
          <Select value={choice.at || null} onChange={(at) => set({ at })} options={columns} />
        </Field>
      </div>
      <div>
        <p className="mb-1 font-medium">{t("contacts.events.name")}</p>
        <div className="flex items-center gap-3">
          <Segmented
            label={t("contacts.events.name")}
            value={choice.named}
            onChange={(named) => set({ named })}
            options={[
              { value: "column", label: t("contacts.events.in_column") },
              { value: "fixed", label: t("contacts.events.for_all") },
            ]}
          />
          {choice.named === "column" ? (
            <Select
              label={t("contacts.events.name_column")}
              className="w-56"
              value={choice.nameColumn || null}
              onChange={(nameColumn) => set({ nameColumn })}
              options={columns}
            />
          ) : (
            <SuggestInput
              label={t("contacts.events.name_for_all")}
              className="w-56"
              value={choice.nameFixed}
              onChange={(nameFixed) => set({ nameFixed })}
              suggestions={eventSuggestions(words)}
            />
          )}
        </div>
      </div>
      <div className="grid grid-cols-2 gap-4">
        <Field label={t("contacts.events.key")} help={t("contacts.events.key_help")}>
          <Select
            value={choice.key === "" ? "line" : `column:${choice.key}`}
            onChange={(key) => set({ key: key === "line" ? "" : key.slice("column:".length) })}
            options={[
              { value: "line", label: t("contacts.events.whole_line") },
              ...columns.map(({ value, label }) => ({ value: `column:${value}`, label })),
            ]}
          />
        </Field>
        <Field label={t("contacts.form.source")} help={t("contacts.events.source_help")}>
          <TextInput value={choice.source} onChange={(event) => set({ source: event.target.value })} />
        </Field>
      </div>
      <p className="text-ink-2">
        {props.length === 0
          ? t("contacts.events.no_props")
          : t("contacts.events.props", { names: props.join(", "), n: props.length })}
      </p>
      <FirstRows columns={preview.columns} rows={preview.rows} />
    </div>
  );
}
