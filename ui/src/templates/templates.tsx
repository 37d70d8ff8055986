import { useNavigate } from "@tanstack/react-router";
import { Import, Mail, Plus } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { FileRef } from "@/api/gen/FileRef";
import type { TemplateRow } from "@/api/gen/TemplateRow";
import { host } from "@/api/host";
import {
  Button,
  Dialog,
  EmptyState,
  ErrorView,
  Field,
  PageHead,
  SkeletonLines,
  say,
  sayError,
  Table,
  TextInput,
} from "@/design";
import { ago, count } from "@/format";
import { t } from "@/i18n";
import { useNow } from "@/shell/now";
import { subjectWords } from "./subject";

/** Every template of the workspace. */
export function TemplatesScreen() {
  const navigate = useNavigate();
  const now = useNow();
  const list = useRead("templates.list", {});
  const [choosing, setChoosing] = useState(false);
  const open = (row: TemplateRow) =>
    void navigate({ to: "/templates/$template", params: { template: String(row.id) }, search: {} });
  const create = (
    <Button look="primary" icon={Plus} onClick={() => setChoosing(true)}>
      {t("templates.create")}
    </Button>
  );
  return (
    <>
      <PageHead title={t("templates.title")} about={t("templates.about")}>
        {list.data?.length !== 0 && create}
      </PageHead>
      <div className="min-h-0 flex-1 overflow-auto px-6 pb-6">
        {list.isError && <ErrorView error={list.error} onRetry={() => void list.refetch()} />}
        {list.isPending && <SkeletonLines />}
        {list.data?.length === 0 && (
          <EmptyState icon={Mail} title={t("templates.empty.title")} about={t("templates.empty.about")}>
            {create}
          </EmptyState>
        )}
        {list.data !== undefined && list.data.length > 0 && (
          <Table
            label={t("templates.title")}
            rows={list.data}
            keyOf={(row) => row.id}
            onOpen={open}
            nameOf={(row) => row.name}
            columns={[
              { key: "name", title: t("templates.columns.name"), width: "26%", cell: (row) => row.name },
              {
                key: "subject",
                title: t("templates.columns.subject"),
                cell: (row) => (
                  <span className="text-ink-2" title={row.subject}>
                    {subjectWords(row.subject)}
                  </span>
                ),
              },
              {
                key: "used",
                title: t("templates.columns.used"),
                width: "90px",
                numeric: true,
                cell: (row) => (row.used_by === 0 ? "–" : count(row.used_by)),
              },
              {
                key: "sent",
                title: t("templates.columns.sent"),
                width: "110px",
                numeric: true,
                cell: (row) => count(row.sent_30_days),
              },
              {
                key: "updated",
                title: t("templates.columns.updated"),
                width: "130px",
                numeric: true,
                cell: (row) => <span className="text-ink-2">{ago(row.updated_at, now)}</span>,
              },
            ]}
          />
        )}
      </div>
      {choosing && <Starters onClose={() => setChoosing(false)} />}
    </>
  );
}

function Starters({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const starters = useRead("templates.starters", {});
  const choose = (starter: string) =>
    void navigate({ to: "/templates/$template", params: { template: "new" }, search: { starter } });
  const [file, setFile] = useState<{ file: FileRef; name: string } | null>(null);
  const take = useWrite("templates.import_file", {
    onSuccess: (made) => {
      say(t("templates.imported", { name: made.name }));
      void navigate({ to: "/templates/$template", params: { template: String(made.id) }, search: {} });
    },
    onError: (error) => (error.fields.subject === undefined ? sayError(error) : setAsking(true)),
  });
  const [asking, setAsking] = useState(false);
  const [subject, setSubject] = useState("");
  const chooseFile = async () => {
    try {
      const chosen = await host().chooseFile("template");
      if (chosen === null) return;
      setFile(chosen);
      // Only Carillon's own files carry a subject; for bare MJML or HTML it is asked first.
      if (!/\.json$/i.test(chosen.name)) return setAsking(true);
      take.mutate({ file: chosen.file, name: null, subject: null, fresh: true });
    } catch (error) {
      sayError(error);
    }
  };
  if (asking && file !== null) {
    return (
      <Dialog
        open
        onClose={onClose}
        title={t("templates.import_of", { name: file.name })}
        about={t("templates.import_subject_about")}
        width="small"
        submit={{
          label: t("templates.import"),
          run: () => take.mutate({ file: file.file, name: null, subject: subject.trim(), fresh: true }),
          disabled: subject.trim() === "",
          busy: take.isPending,
        }}
      >
        <Field label={t("templates.import_subject")}>
          <TextInput autoFocus value={subject} onChange={(event) => setSubject(event.target.value)} />
        </Field>
      </Dialog>
    );
  }
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("templates.create")}
      about={t("templates.starters_about")}
      width="large"
      actions={
        <Button icon={Import} busy={take.isPending} onClick={() => void chooseFile()}>
          {t("templates.import_file")}
        </Button>
      }
    >
      {starters.isError && <ErrorView error={starters.error} onRetry={() => void starters.refetch()} />}
      <ul className="grid grid-cols-2 gap-3 pb-4">
        {[
          ...(starters.data ?? []),
          { key: "empty", name: t("templates.blank"), about: t("templates.blank_about"), draft: null },
        ].map((starter) => (
          <li key={starter.key}>
            <button
              type="button"
              onClick={() => choose(starter.key)}
              className="flex h-full w-full flex-col items-start rounded-card border border-line-default p-4 text-left hover:border-line-control hover:bg-hover"
            >
              <span className="font-semibold">{starter.name}</span>
              <span className="mt-0.5 text-ink-2">{starter.about}</span>
              {starter.draft !== null && (
                <span className="mt-2 line-clamp-1 text-ink-3 text-table">{subjectWords(starter.draft.subject)}</span>
              )}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
