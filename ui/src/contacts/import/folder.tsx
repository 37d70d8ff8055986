import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, FolderOpen, FolderSearch } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { FolderFile } from "@/api/gen/FolderFile";
import type { FolderFileState } from "@/api/gen/FolderFileState";
import type { FoldersLooked } from "@/api/gen/FoldersLooked";
import type { WatchedFolder } from "@/api/gen/WatchedFolder";
import { Badge, Button, EmptyState, ErrorView, Note, SkeletonLines, say, sayError, type Tone } from "@/design";
import { bytes, count, moment } from "@/format";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";
import { FolderBadge, PauseFolder, RemoveFolder } from "./folders";

const route = getRouteApi("/contacts/imports/folders/$folder");

const tones: Record<FolderFileState, Tone> = {
  running: "live",
  imported: "ok",
  interrupted: "warn",
  stopped: "bad",
  undone: "neutral",
  same: "neutral",
  waits: "warn",
  unread: "bad",
  left: "neutral",
};

/** A watched folder: its settings, and what became of each file. */
export function FolderScreen() {
  const id = Number(route.useParams().folder);
  const navigate = useNavigate();
  const folders = useRead("imports.folders", {});
  const folder = folders.data?.find((each) => each.id === id);
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts/imports"
          search={{}}
          aria-label={t("contacts.folders.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <h1 className="min-w-0 truncate font-semibold text-section">{folder?.path ?? t("contacts.folders.title")}</h1>
        {folder !== undefined && <FolderBadge folder={folder} />}
        <div className="flex-1" />
        {folder !== undefined && (
          <>
            <LookNow folder={folder} />
            <PauseFolder folder={folder} />
            <RemoveFolder folder={folder} onDone={() => void navigate({ to: "/contacts/imports", search: {} })} />
          </>
        )}
      </header>
      <div className="min-h-0 flex-1 overflow-auto">
        {folders.isError && <ErrorView error={folders.error} onRetry={() => void folders.refetch()} />}
        {folders.isPending && <SkeletonLines />}
        {folders.data !== undefined && folder === undefined && (
          <EmptyState
            icon={FolderOpen}
            title={t("contacts.folders.unknown")}
            about={t("contacts.folders.unknown_about")}
          />
        )}
        {folder !== undefined && <Folder folder={folder} />}
      </div>
    </>
  );
}

function LookNow({ folder }: { folder: WatchedFolder }) {
  const [job, setJob] = useState<number | null>(null);
  const look = useWrite("imports.folder_look", { onSuccess: (started) => setJob(started.job), onError: sayError });
  useJob(job, (ended) => {
    setJob(null);
    if (ended.error !== null) sayError(ended.error);
    else {
      const { files } = ended.result as FoldersLooked;
      say(files.length === 0 ? t("contacts.folders.nothing") : t("contacts.folders.looked", { n: files.length }));
    }
  });
  return (
    <Button icon={FolderSearch} busy={job !== null || look.isPending} onClick={() => look.mutate({ id: folder.id })}>
      {t("contacts.folders.look")}
    </Button>
  );
}

function Folder({ folder }: { folder: WatchedFolder }) {
  const files = useRead("imports.folder_files", { id: folder.id, before: null });
  return (
    <div className="mx-auto max-w-240 space-y-4 px-6 py-4">
      {folder.trouble !== null && <Note tone="bad">{folder.trouble}</Note>}
      <Settings folder={folder} />
      {files.isError && <ErrorView error={files.error} onRetry={() => void files.refetch()} />}
      {files.isPending && <SkeletonLines />}
      {files.data?.length === 0 && (
        <EmptyState
          icon={FolderOpen}
          title={t("contacts.folders.none_yet")}
          about={t("contacts.folders.none_yet_about", { pattern: folder.pattern })}
        />
      )}
      {files.data !== undefined && files.data.length > 0 && (
        <section aria-label={t("contacts.folders.files")}>
          <h2 className="mb-1 font-semibold">{t("contacts.folders.files")}</h2>
          <ul className="divide-y divide-line-subtle">
            {files.data.map((file) => (
              <FileLine key={file.id} file={file} />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Settings({ folder }: { folder: WatchedFolder }) {
  const said: [string, string][] = [
    [t("contacts.folders.pattern"), folder.pattern],
    [t("contacts.folders.like"), t("contacts.folders.like_is", { id: folder.like, name: folder.like_name })],
    [
      t("contacts.folders.columns"),
      folder.columns.map(({ column, to }) => (column === to ? column : `${column} → ${to}`)).join(", "),
    ],
    [t("contacts.import.mode"), t(`contacts.import.modes.${folder.mode}`)],
    [
      t("contacts.import.permission"),
      folder.basis === null ? t("contacts.import.no_basis") : t(`common.bases.${folder.basis}`),
    ],
    [t("contacts.form.source"), folder.source],
    ...(folder.tags.length === 0 ? [] : [[t("contacts.import.tags"), folder.tags.join(", ")] as [string, string]]),
    [
      t("contacts.folders.limits"),
      folder.limits.most_contacts === null
        ? t("contacts.folders.limit", { percent: folder.limits.refused_percent })
        : t("contacts.folders.limit_both", {
            percent: folder.limits.refused_percent,
            most: count(folder.limits.most_contacts),
          }),
    ],
  ];
  return (
    <dl className="grid grid-cols-[minmax(120px,1fr)_4fr] gap-x-3 gap-y-1.5 rounded-card border border-line-subtle bg-surface px-4 py-3">
      {said.map(([name, text]) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0 break-words">{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function FileLine({ file }: { file: FolderFile }) {
  const [job, setJob] = useState<number | null>(null);
  const take = useWrite("imports.folder_take", { onSuccess: (started) => setJob(started.job), onError: sayError });
  const leave = useWrite("imports.folder_leave", { onError: sayError });
  useJob(job, (ended) => {
    setJob(null);
    if (ended.error !== null) sayError(ended.error);
  });
  return (
    <li className="flex items-center gap-4 py-3">
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{file.name}</span>
          <Badge tone={tones[file.state]} dot>
            {t(`contacts.folders.states.${file.state}`)}
          </Badge>
        </p>
        <p className="figures truncate text-ink-2 text-table">
          {file.counts === null
            ? t("contacts.folders.file", { at: moment(file.at), size: bytes(file.bytes) })
            : t("contacts.import.summary", {
                at: moment(file.at),
                created: count(file.counts.new),
                changed: count(file.counts.changed),
                invalid: count(file.counts.invalid),
              })}
        </p>
        {file.why !== null && (
          <p className={file.state === "left" ? "text-ink-3 text-table" : "text-table text-warn"}>{file.why}</p>
        )}
      </div>
      {file.import !== null && (
        <Link
          to="/contacts/imports"
          search={{ of: file.import }}
          className="inline-flex h-8 shrink-0 items-center rounded-control px-2 text-accent-text hover:bg-hover"
        >
          {t(file.state === "same" ? "contacts.folders.see_same" : "contacts.folders.see", { id: file.import })}
        </Link>
      )}
      {file.state === "waits" && (
        <>
          <Button busy={leave.isPending} onClick={() => leave.mutate({ id: file.id })}>
            {t("contacts.folders.leave")}
          </Button>
          <Button busy={job !== null || take.isPending} onClick={() => take.mutate({ id: file.id })}>
            {t("contacts.folders.take")}
          </Button>
        </>
      )}
    </li>
  );
}
