import { Link } from "@tanstack/react-router";
import { ArrowLeft, Check } from "lucide-react";
import { useEffect, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ColumnPlan } from "@/api/gen/ColumnPlan";
import type { ImportId } from "@/api/gen/ImportId";
import type { ImportMode } from "@/api/gen/ImportMode";
import type { ImportPreview } from "@/api/gen/ImportPreview";
import type { ImportReport } from "@/api/gen/ImportReport";
import type { TextEncoding } from "@/api/gen/TextEncoding";
import { host } from "@/api/host";
import { Button, cx, sayError } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";
import { useUnsaved } from "@/shell/unsaved";
import { ChooseStep } from "./choose";
import { MapStep } from "./map";
import { PermissionStep } from "./permission";
import { importPlan, isPermissionSaid, type Permission, problemsOf } from "./plan";
import { CheckStep, RunStep } from "./result";

const STEPS = ["choose", "map", "permission", "check", "run"] as const;
type Step = (typeof STEPS)[number];
/** What is found out of a file that is opened for the first time. */
const UNKNOWN = { delimiter: null, encoding: null, sheet: null, header: null };

/** From a file to contacts: seen, mapped, permitted, tried without a trace, then done. */
export function ImportScreen() {
  const [step, setStep] = useState<Step>("choose");
  // What the user calls it: an upload is kept under a name of its own.
  const [name, setName] = useState("");
  const [preview, setPreview] = useState<ImportPreview | null>(null);
  const [columns, setColumns] = useState<ColumnPlan[]>([]);
  const [mode, setMode] = useState<ImportMode>("both");
  const [permission, setPermission] = useState<Permission>({
    basis: null,
    source: "",
    wording: "",
    tags: [],
    everybody: "free",
  });
  const [report, setReport] = useState<ImportReport | null>(null);
  const [running, setRunning] = useState<{ job: number; import: ImportId } | null>(null);
  const fields = useRead("fields.list", {});
  // What scores write no list can.
  const known = fields.data?.filter((field) => field.score === undefined);

  const open = useWrite("contacts.import_open", {
    onSuccess: (next) => {
      setPreview(next);
      setColumns(next.columns.map((column) => column.plan));
      setPermission((said) => ({ ...said, everybody: next.everybody }));
      setReport(null);
      setStep("map");
    },
    onError: sayError,
  });
  const [trying, setTrying] = useState<number | null>(null);
  const dryRun = useWrite("contacts.import_dry_run", { onSuccess: ({ job }) => setTrying(job), onError: sayError });
  const tried = useJob(trying, (job) => {
    if (job.state === "done") setReport(job.result as ImportReport);
  });
  const run = useWrite("contacts.import_run", {
    onSuccess: (started) => {
      setRunning(started);
      setStep("run");
    },
    onError: sayError,
  });

  const openFile = open.mutate;
  useEffect(
    () =>
      host().onFilesDropped(([first]) => {
        if (first === undefined || step !== "choose") return;
        setName(first.name);
        openFile({ file: first.file, ...UNKNOWN });
      }),
    [step, openFile],
  );
  useEffect(() => {
    if (step !== "choose") return;
    const pasted = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData("text/plain") ?? "";
      if (text.trim() === "") return;
      event.preventDefault();
      host()
        .paste(text, t("contacts.import.pasted_file"))
        .then((kept) => {
          setName(kept.name);
          openFile({ file: kept.file, ...UNKNOWN });
        }, sayError);
    };
    document.addEventListener("paste", pasted);
    return () => document.removeEventListener("paste", pasted);
  }, [step, openFile]);

  const plan = () => (preview === null ? null : importPlan(preview, columns, mode, permission));
  const reopen = (change: { delimiter?: string; encoding?: TextEncoding; sheet?: string; header?: boolean }) => {
    if (preview === null) return;
    const { file, delimiter, encoding, sheet, header } = { ...preview, ...change };
    // Another sheet has a heading of its own.
    open.mutate({ file, delimiter, encoding, sheet, header: change.sheet === undefined ? header : null });
  };
  const toCheck = () => {
    const now = plan();
    if (now === null) return;
    setReport(null);
    setTrying(null);
    setStep("check");
    dryRun.mutate(now);
  };
  const start = () => {
    const now = plan();
    if (now !== null) run.mutate(now);
  };
  const restart = () => {
    setPreview(null);
    setReport(null);
    setRunning(null);
    setStep("choose");
  };

  // What was said of the columns and the permission is nowhere else.
  useUnsaved(step !== "choose" && step !== "run");
  const at = STEPS.indexOf(step);
  const back: Partial<Record<Step, () => void>> = {
    map: restart,
    permission: () => setStep("map"),
    check: () => setStep("permission"),
  };
  const goBack = back[step];
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("contacts.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 truncate font-semibold text-section">
          {preview === null ? t("contacts.import.title") : t("contacts.import.of_file", { name })}
        </h1>
        <ol aria-label={t("contacts.import.steps_label")} className="flex items-center gap-4">
          {STEPS.map((each, number) => (
            <li key={each} aria-current={each === step ? "step" : undefined} className="flex items-center gap-2">
              <span
                className={cx(
                  "figures flex size-5 items-center justify-center rounded-full font-semibold text-meta",
                  number === at ? "bg-accent-solid text-on-accent" : "border border-line-default text-ink-3",
                )}
              >
                {number < at ? <Check size={12} aria-hidden /> : number + 1}
              </span>
              <span className={number === at ? "font-medium" : "text-ink-3"}>{t(`contacts.import.steps.${each}`)}</span>
            </li>
          ))}
        </ol>
      </header>
      <div className="min-h-0 flex-1 overflow-auto">
        {step === "choose" && (
          <ChooseStep
            busy={open.isPending}
            onFile={(file, chosen) => {
              setName(chosen);
              open.mutate({ file, ...UNKNOWN });
            }}
          />
        )}
        {step === "map" && preview !== null && (
          <MapStep
            preview={preview}
            fields={known ?? []}
            columns={columns}
            onColumns={setColumns}
            mode={mode}
            onMode={setMode}
            onReopen={reopen}
            busy={open.isPending}
          />
        )}
        {step === "permission" && <PermissionStep value={permission} onChange={setPermission} />}
        {step === "check" && (
          <CheckStep report={report} job={tried} error={dryRun.error ?? tried?.error ?? null} onRetry={toCheck} />
        )}
        {step === "run" && running !== null && <RunStep running={running} onRestart={restart} />}
      </div>
      {step !== "choose" && step !== "run" && (
        <footer className="flex shrink-0 items-center gap-2 border-line-subtle border-t bg-surface px-6 py-3">
          {goBack !== undefined && <Button onClick={goBack}>{t("common.back")}</Button>}
          <div className="flex-1" />
          {step === "map" && (
            <Button look="primary" disabled={problemsOf(columns).length > 0} onClick={() => setStep("permission")}>
              {t("common.next")}
            </Button>
          )}
          {step === "permission" && (
            <Button look="primary" disabled={!isPermissionSaid(permission)} onClick={toCheck}>
              {t("contacts.import.to_check")}
            </Button>
          )}
          {step === "check" && (
            <Button
              look="primary"
              disabled={report === null || report.counts.new + report.counts.changed === 0}
              busy={run.isPending || dryRun.isPending || tried?.state === "running"}
              onClick={start}
            >
              {report === null
                ? t("contacts.import.checking")
                : t("contacts.import.run", { n: report.counts.new + report.counts.changed })}
            </Button>
          )}
        </footer>
      )}
    </>
  );
}
