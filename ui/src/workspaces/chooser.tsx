import icon from "@assets/icons/icon.svg";
import { FolderOpen, type LucideIcon, Plus, Store, X } from "lucide-react";
import { useEffect, useState } from "react";
import { query, useRead, useWrite } from "@/api/client";
import { host } from "@/api/host";
import { Badge, IconButton, Note, sayError } from "@/design";
import { ago } from "@/format";
import { t } from "@/i18n";
import { JobProgress, useJob } from "@/shell/job";
import { CreateWorkspace } from "./create";
import { workspaceName } from "./name";
import { useEnter, useOpenWorkspace } from "./open";

/** Where the day begins: a recent file, another one, a new one, or the sample. */
export function Chooser() {
  const recent = useRead("workspaces.recent", {});
  const opening = useOpenWorkspace();
  const enter = useEnter();
  const [creating, setCreating] = useState(false);
  const [job, setJob] = useState<number | null>(null);
  const demo = useWrite("demo.create", { onSuccess: (answer) => setJob(answer.job), onError: sayError });
  const making = useJob(job, (ended) => {
    setJob(null);
    if (ended.state === "done") enter();
    else if (ended.error !== null) sayError(ended.error);
  });
  const forget = useWrite("workspaces.forget", { onError: sayError });
  const served = host().kind === "http";
  useEffect(() => {
    if (host().kind !== "window") return;
    void query("window.unopened", {}).then((why) => why !== null && sayError(why));
  }, []);
  const openFile = opening.open;
  // A browser's page cannot open files of this machine.
  useEffect(
    () => (served ? undefined : host().onFilesDropped(([first]) => first !== undefined && void openFile(first.file))),
    [served, openFile],
  );
  const now = new Date().toISOString();
  return (
    <main className="flex h-full items-start justify-center overflow-auto px-6 pt-[12vh] pb-12">
      <div className="w-full max-w-150">
        <header className="mb-8 flex items-center gap-4">
          <img src={icon} alt="" width={48} height={48} />
          <div>
            <h1 className="font-semibold text-page">{t("workspaces.title")}</h1>
            <p className="text-ink-2">{t("workspaces.tagline")}</p>
          </div>
        </header>
        {served ? (
          <Note>{t("workspaces.served")}</Note>
        ) : job !== null ? (
          <div className="rounded-card border border-line-subtle bg-surface p-4">
            <JobProgress job={making} label={t("workspaces.making_sample")} />
          </div>
        ) : (
          <div className="grid grid-cols-3 gap-3">
            <Way
              icon={Store}
              title={t("workspaces.sample")}
              about={t("workspaces.sample_about")}
              onClick={() => demo.mutate({ contacts: 5000, months: 12, seed: 1 })}
            />
            <Way
              icon={Plus}
              title={t("workspaces.create")}
              about={t("workspaces.create_about")}
              onClick={() => setCreating(true)}
            />
            <Way
              icon={FolderOpen}
              title={t("workspaces.open")}
              about={t("workspaces.open_about")}
              onClick={() => void opening.choose()}
            />
          </div>
        )}
        <h2 className="mt-8 mb-2 font-semibold">{t("workspaces.recent")}</h2>
        {recent.data?.length === 0 && <p className="text-ink-3">{t("workspaces.no_recent")}</p>}
        <ul className="divide-y divide-line-subtle">
          {(recent.data ?? []).map((each) => (
            <li key={each.file} className="flex items-center gap-2">
              <button
                type="button"
                disabled={!each.exists || opening.pending}
                onClick={() => void opening.open({ path: each.file })}
                className="ring-inside flex min-h-12 min-w-0 flex-1 items-center gap-3 rounded-control px-2 py-1.5 text-left enabled:hover:bg-hover disabled:text-ink-3"
              >
                <span className="min-w-0 flex-1">
                  <span className="flex items-center gap-2 font-medium">
                    <span className="truncate">{workspaceName(each)}</span>
                    {each.sample && <Badge tone="warn">{t("shell.sample_badge")}</Badge>}
                    {each.clock === "virtual" && <Badge>{t("workspaces.virtual")}</Badge>}
                  </span>
                  <span className="block truncate text-ink-3 text-table">
                    {each.exists ? each.file : t("workspaces.gone")}
                  </span>
                </span>
                <span className="shrink-0 text-ink-3 text-table">{ago(each.opened_at, now)}</span>
              </button>
              <IconButton
                icon={X}
                label={t("workspaces.forget", { name: workspaceName(each) })}
                onClick={() => forget.mutate({ file: each.file })}
              />
            </li>
          ))}
        </ul>
      </div>
      <CreateWorkspace open={creating} onClose={() => setCreating(false)} />
    </main>
  );
}

function Way({
  icon: Icon,
  title,
  about,
  onClick,
}: {
  icon: LucideIcon;
  title: string;
  about: string;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      onClick={onClick}
      className="flex flex-col items-start rounded-card border border-line-default bg-surface p-4 text-left hover:border-line-control hover:bg-hover"
    >
      <Icon size={20} aria-hidden className="mb-3 text-accent-text" />
      <span className="font-semibold">{title}</span>
      <span className="mt-0.5 text-ink-2 text-table">{about}</span>
    </button>
  );
}
