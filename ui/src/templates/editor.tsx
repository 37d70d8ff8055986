import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, Save, Trash2 } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { TemplateDraft } from "@/api/gen/TemplateDraft";
import type { TemplateId } from "@/api/gen/TemplateId";
import {
  Button,
  Confirm,
  ErrorView,
  Field,
  IconButton,
  Select,
  SkeletonLines,
  SplitPane,
  say,
  sayError,
  Tabs,
  TextInput,
} from "@/design";
import { t } from "@/i18n";
import { Code } from "@/shell/code";
import { useDelayed } from "@/shell/delayed";
import { useSaveKey } from "@/shell/keys";
import { useUnsaved } from "@/shell/unsaved";
import { lineRange } from "./lines";
import { Missing } from "./missing";
import { Preview } from "./preview";

const route = getRouteApi("/templates/$template");
const BLANK: TemplateDraft = {
  name: "",
  subject: "",
  preheader: "",
  // The foot is what a marketing mail may not be published without.
  body: [
    "<mjml>",
    "  <mj-body>",
    "    <mj-section>",
    "      <mj-column>",
    "        <mj-text></mj-text>",
    "      </mj-column>",
    "    </mj-section>",
    "    <mj-section>",
    "      <mj-column>",
    '        <mj-text font-size="13px" color="#6b6b6b">',
    "          {{ organisation }}<br />{{ postal_address }}<br />{{ unsubscribe_line }}",
    "        </mj-text>",
    "      </mj-column>",
    "    </mj-section>",
    "  </mj-body>",
    "</mjml>",
    "",
  ].join("\n"),
  text: "",
  topic: null,
};

/** What is written of a template, without what the program adds: the border takes nothing else. */
const draftOf = ({ name, subject, preheader, body, text, topic }: TemplateDraft): TemplateDraft => ({
  name,
  subject,
  preheader,
  body,
  text,
  topic,
});

/** A template as source beside the mail it makes. */
export function TemplateScreen() {
  const { template } = route.useParams();
  const { starter } = route.useSearch();
  const id = template === "new" ? null : Number(template);
  const saved = useRead("templates.get", { id: id ?? 0 }, { enabled: id !== null });
  const starters = useRead("templates.starters", {}, { enabled: id === null });
  // Only where there was never an answer: one that fails later must not take away what is written.
  if (saved.isLoadingError) return <ErrorView error={saved.error} onRetry={() => void saved.refetch()} />;
  if (id !== null)
    return saved.data === undefined ? <SkeletonLines /> : <Editor key={id} id={id} first={draftOf(saved.data)} />;
  if (starters.data === undefined) {
    if (!starters.isError) return <SkeletonLines />;
    return <ErrorView error={starters.error} onRetry={() => void starters.refetch()} />;
  }
  return (
    <Editor
      key={`new-${starter}`}
      id={null}
      first={starters.data.find((each) => each.key === starter)?.draft ?? BLANK}
    />
  );
}

const NO_TOPIC = "none";

/** What the mails are about, where the workspace has topics people may leave. */
function TopicField({ topic, onChange }: { topic: number | null; onChange: (topic: number | null) => void }) {
  const topics = useRead("topics.list", {});
  if (topics.data === undefined || topics.data.length === 0) return null;
  return (
    <Field label={t("templates.topic")} help={t("templates.topic_help")} className="col-span-2">
      <Select
        value={topic === null ? NO_TOPIC : String(topic)}
        onChange={(next) => onChange(next === NO_TOPIC ? null : Number(next))}
        options={[
          { value: NO_TOPIC, label: t("templates.no_topic") },
          ...topics.data.map(({ number, name }) => ({ value: String(number), label: name })),
        ]}
      />
    </Field>
  );
}

function Editor({ id, first }: { id: TemplateId | null; first: TemplateDraft }) {
  const navigate = useNavigate();
  const [kept, setKept] = useState<TemplateDraft>(id === null ? { ...first, name: "" } : first);
  const [draft, setDraft] = useState<TemplateDraft>(first);
  const [source, setSource] = useState<"body" | "text">("body");
  const [view, setView] = useState<"preview" | "missing">("preview");
  const [contact, setContact] = useState<number | null>(null);
  const [deleting, setDeleting] = useState(false);
  const settled = useDelayed(draft, 120);
  const rendered = useRead("templates.render", { draft: settled, contact, with_html: false }, { keep: true });
  const save = useWrite("templates.save", {
    onSuccess: (saved) => {
      setKept(draftOf(saved));
      say(t("templates.saved", { name: saved.name }));
      if (id === null)
        void navigate({
          to: "/templates/$template",
          params: { template: String(saved.id) },
          search: {},
          replace: true,
          ignoreBlocker: true,
        });
    },
    onError: sayError,
  });
  const remove = useWrite("templates.delete", {
    onSuccess: () => void navigate({ to: "/templates", ignoreBlocker: true }),
    onError: sayError,
  });
  const put = (change: Partial<TemplateDraft>) => setDraft((now) => ({ ...now, ...change }));
  const changed = (["name", "subject", "preheader", "body", "text", "topic"] as const).some(
    (key) => draft[key] !== kept[key],
  );
  // A starter nobody has written in is no loss.
  useUnsaved(changed && draft !== first);
  const ready = changed && draft.name.trim() !== "" && !save.isPending;
  const onSave = () => save.mutate({ id, draft: { ...draft, name: draft.name.trim() } });
  useSaveKey(ready ? onSave : null);
  const problemsIn = (part: "body" | "text") =>
    (rendered.data?.problems ?? [])
      .filter((problem) => problem.part === part)
      .map((problem) => ({
        ...lineRange(draft[part], problem.line),
        message: problem.message,
        severity: problem.severity === "error" ? ("error" as const) : ("warning" as const),
      }));
  const errorIn = (part: "subject" | "preheader") =>
    rendered.data?.problems.find((problem) => problem.part === part)?.message;
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/templates"
          aria-label={t("templates.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 flex-1 truncate font-semibold text-section">
          {kept.name === "" ? t("templates.create") : kept.name}
        </h1>
        {changed && <span className="text-ink-3">{t("templates.not_saved")}</span>}
        {id !== null && <IconButton icon={Trash2} label={t("templates.delete")} onClick={() => setDeleting(true)} />}
        <Button look="primary" icon={Save} disabled={!ready} busy={save.isPending} onClick={onSave}>
          {t("common.save")}
        </Button>
      </header>
      <SplitPane
        label={t("templates.preview")}
        remember="template"
        initial={680}
        min={400}
        max={900}
        first={
          <>
            <div className="grid shrink-0 grid-cols-2 gap-x-4 gap-y-3 p-4">
              <Field label={t("templates.name")}>
                <TextInput value={draft.name} onChange={(event) => put({ name: event.target.value })} />
              </Field>
              <Field label={t("templates.preheader")} error={errorIn("preheader")}>
                <TextInput value={draft.preheader} onChange={(event) => put({ preheader: event.target.value })} />
              </Field>
              <Field label={t("templates.subject")} error={errorIn("subject")} className="col-span-2">
                <TextInput value={draft.subject} onChange={(event) => put({ subject: event.target.value })} />
              </Field>
              <TopicField topic={draft.topic} onChange={(topic) => put({ topic })} />
            </div>
            <Tabs
              label={t("templates.source")}
              className="min-h-0 flex-1"
              value={source}
              onChange={setSource}
              tabs={[
                {
                  value: "body",
                  label: t("templates.body"),
                  panel: (
                    <Code
                      page
                      language="mjml"
                      label={t("templates.body")}
                      value={draft.body}
                      onChange={(body) => put({ body })}
                      problems={problemsIn("body")}
                    />
                  ),
                },
                {
                  value: "text",
                  label: t("templates.text"),
                  panel: (
                    <div className="flex h-full flex-col">
                      <p className="px-4 pt-2 text-ink-3 text-table">{t("templates.text_help")}</p>
                      <Code
                        page
                        language="text"
                        label={t("templates.text")}
                        value={draft.text}
                        onChange={(text) => put({ text })}
                        problems={problemsIn("text")}
                        className="min-h-0 flex-1"
                      />
                    </div>
                  ),
                },
              ]}
            />
          </>
        }
        second={
          <Tabs
            label={t("templates.preview")}
            className="min-h-0 flex-1 pt-1"
            value={view}
            onChange={setView}
            tabs={[
              {
                value: "preview",
                label: t("templates.preview"),
                panel: (
                  <Preview
                    rendered={rendered.data}
                    error={rendered.error}
                    onRetry={() => void rendered.refetch()}
                    contact={contact}
                    onContact={setContact}
                  />
                ),
              },
              {
                value: "missing",
                label: t("templates.missing.title"),
                panel: (
                  <Missing
                    draft={settled}
                    onContact={(who) => {
                      setContact(who);
                      setView("preview");
                    }}
                  />
                ),
              },
            ]}
          />
        }
      />
      {id !== null && (
        <Confirm
          open={deleting}
          onClose={() => setDeleting(false)}
          onConfirm={() => remove.mutate({ id })}
          busy={remove.isPending}
          title={t("templates.delete_title", { name: kept.name })}
          about={t("templates.delete_about")}
          action={t("templates.delete")}
        />
      )}
    </>
  );
}
