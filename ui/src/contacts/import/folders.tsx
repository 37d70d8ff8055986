import { Link } from "@tanstack/react-router";
import { FolderOpen, FolderPlus, Pause, Play, Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { WatchedFolder } from "@/api/gen/WatchedFolder";
import { ApiError, host } from "@/api/host";
import {
  Badge,
  Button,
  CheckLine,
  Confirm,
  Dialog,
  Field,
  IconButton,
  Note,
  NumberInput,
  Select,
  say,
  sayError,
  TextInput,
} from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";

/** The folders that are watched, above the imports they made. */
export function WatchedFolders() {
  const list = useRead("imports.folders", {});
  if (list.data === undefined || list.data.length === 0) return null;
  return (
    <>
      <section aria-label={t("contacts.folders.title")} className="mx-auto max-w-240 px-6 pt-4">
        <h2 className="mb-1 font-semibold">{t("contacts.folders.title")}</h2>
        <ul className="divide-y divide-line-subtle rounded-card border border-line-subtle bg-surface">
          {list.data.map((folder) => (
            <FolderLine key={folder.id} folder={folder} />
          ))}
        </ul>
      </section>
      <h2 className="mx-auto max-w-240 px-6 pt-6 font-semibold">{t("contacts.folders.imports")}</h2>
    </>
  );
}

/** What of the watched folders waits for somebody, in a word; nothing where nothing does. */
export function FoldersWait() {
  const { data } = useRead("imports.folders", {});
  const waiting = (data ?? []).reduce((sum, folder) => sum + folder.waiting, 0);
  if (waiting > 0) return <Badge tone="warn">{t("contacts.folders.waiting", { n: waiting })}</Badge>;
  if (data?.some((folder) => folder.trouble !== null))
    return <Badge tone="bad">{t("contacts.folders.one_away")}</Badge>;
  return null;
}

/** How a folder fares, in a word. */
export function FolderBadge({ folder }: { folder: WatchedFolder }) {
  if (folder.paused) return <Badge>{t("contacts.folders.paused")}</Badge>;
  if (folder.trouble !== null) {
    return (
      <Badge tone="bad" dot>
        {t("contacts.folders.away")}
      </Badge>
    );
  }
  return (
    <Badge tone="live" dot>
      {t("contacts.folders.watched")}
    </Badge>
  );
}

function FolderLine({ folder }: { folder: WatchedFolder }) {
  return (
    <li className="flex items-center gap-3 py-2.5 pr-2 pl-4">
      <FolderOpen size={16} aria-hidden className="shrink-0 text-ink-3" />
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <Link
            to="/contacts/imports/folders/$folder"
            params={{ folder: String(folder.id) }}
            className="truncate font-medium hover:underline"
          >
            {folder.path}
          </Link>
          <FolderBadge folder={folder} />
          {folder.waiting > 0 && <Badge tone="warn">{t("contacts.folders.waiting", { n: folder.waiting })}</Badge>}
        </p>
        <p className="figures truncate text-ink-2 text-table">
          {t("contacts.folders.summary", { pattern: folder.pattern, n: folder.imported, source: folder.source })}
          {folder.last_at !== null && ` · ${t("contacts.folders.last", { at: moment(folder.last_at) })}`}
        </p>
        {folder.trouble !== null && <p className="text-bad text-table">{folder.trouble}</p>}
      </div>
      <PauseFolder folder={folder} />
      <RemoveFolder folder={folder} />
    </li>
  );
}

/** Leaves a folder alone for now, or goes on with it. */
export function PauseFolder({ folder }: { folder: WatchedFolder }) {
  const set = useWrite("imports.folder_set", { onError: sayError });
  const label = t(folder.paused ? "contacts.folders.resume" : "contacts.folders.pause");
  return (
    <IconButton
      icon={folder.paused ? Play : Pause}
      label={label}
      onClick={() => set.mutate({ id: folder.id, pattern: null, paused: !folder.paused, limits: null })}
    />
  );
}

/** Watches a folder no more, after asking. */
export function RemoveFolder({ folder, onDone }: { folder: WatchedFolder; onDone?: () => void }) {
  const [asking, setAsking] = useState(false);
  const remove = useWrite("imports.folder_remove", {
    onSuccess: () => {
      setAsking(false);
      say(t("contacts.folders.removed"));
      onDone?.();
    },
    onError: sayError,
  });
  return (
    <>
      <IconButton icon={Trash2} label={t("contacts.folders.remove")} onClick={() => setAsking(true)} />
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate({ id: folder.id })}
        busy={remove.isPending}
        title={t("contacts.folders.remove_title", { path: folder.path })}
        about={t("contacts.folders.remove_about")}
        action={t("contacts.folders.remove")}
      />
    </>
  );
}

/** The button that opens the dialog below. `like`: the import the settings are from; else the user chooses one. */
export function WatchFolder({ like, children }: { like?: number; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button icon={FolderPlus} onClick={() => setOpen(true)}>
        {children}
      </Button>
      {open && <WatchDialog like={like ?? null} onClose={() => setOpen(false)} />}
    </>
  );
}

const MOST_REFUSED = 20;

function WatchDialog({ like: given, onClose }: { like: number | null; onClose: () => void }) {
  const imports = useRead("imports.list", {});
  const [chosen, setChosen] = useState<number | null>(given);
  const [folder, setFolder] = useState("");
  const [pattern, setPattern] = useState("*.csv");
  const [refused, setRefused] = useState(MOST_REFUSED);
  const [most, setMost] = useState<number | undefined>(undefined);
  const [existing, setExisting] = useState(false);
  const add = useWrite("imports.folder_add", {
    onSuccess: (made) => {
      onClose();
      say(t("contacts.folders.added", { path: made.path }));
    },
    onError: (error) => {
      if (Object.keys(ApiError.of(error).fields).length === 0) sayError(error);
    },
  });
  const done = (imports.data ?? []).filter((row) => row.what === "contacts" && row.state === "done");
  const like = chosen ?? done[0]?.id ?? null;
  if (host().kind === "http") return <AtTheTerminal like={like} onClose={onClose} />;
  const wrong = add.error === null ? {} : ApiError.of(add.error).fields;
  const choose = async () => {
    try {
      const path = await host().chooseFolder();
      if (path !== null) setFolder(path);
    } catch (error) {
      sayError(error);
    }
  };
  const run = () => {
    if (like === null) return;
    const limits = { refused_percent: refused, most_contacts: most ?? null };
    add.mutate({ folder: folder.trim(), pattern, like, limits, existing });
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("contacts.folders.add")}
      about={t("contacts.folders.add_about")}
      submit={{
        label: t("contacts.folders.add"),
        run,
        disabled: like === null || folder.trim() === "" || pattern.trim() === "",
        busy: add.isPending,
      }}
    >
      <div className="space-y-4">
        {imports.data !== undefined && done.length === 0 && <Note tone="warn">{t("contacts.folders.none_like")}</Note>}
        {given === null && done.length > 0 && (
          <Field label={t("contacts.folders.like")} help={t("contacts.folders.like_help")} error={wrong.like}>
            <Select
              value={like === null ? null : String(like)}
              onChange={(next) => setChosen(Number(next))}
              options={done.map((row) => ({ value: String(row.id), label: `${row.name} · ${row.source}` }))}
            />
          </Field>
        )}
        <Field label={t("contacts.folders.folder")} help={t("contacts.folders.folder_help")} error={wrong.folder}>
          <div className="flex gap-2">
            <TextInput className="flex-1" value={folder} onChange={(event) => setFolder(event.target.value)} />
            <Button onClick={() => void choose()}>{t("contacts.folders.choose")}</Button>
          </div>
        </Field>
        <Field label={t("contacts.folders.pattern")} help={t("contacts.folders.pattern_help")} error={wrong.pattern}>
          <TextInput value={pattern} onChange={(event) => setPattern(event.target.value)} />
        </Field>
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("contacts.folders.refused")} help={t("contacts.folders.refused_help")} error={wrong.limits}>
            <NumberInput value={refused} onChange={setRefused} min={0} max={100} />
          </Field>
          <Field label={t("contacts.folders.most")} help={t("contacts.folders.most_help")} optional>
            <NumberInput value={most} onChange={setMost} min={0} optional />
          </Field>
        </div>
        <CheckLine checked={existing} onChange={setExisting} label={t("contacts.folders.existing")} />
      </div>
    </Dialog>
  );
}

/** A page of a browser names no folder of the machine; the terminal does. */
function AtTheTerminal({ like, onClose }: { like: number | null; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} width="small" title={t("contacts.folders.add")}>
      <p className="mb-3 text-ink-2">{t("contacts.folders.at_terminal")}</p>
      <code className="mb-2 block rounded-control bg-sunken px-3 py-2 font-mono text-table">
        {t("contacts.folders.command", { like: like ?? "N" })}
      </code>
    </Dialog>
  );
}
