import { Link } from "@tanstack/react-router";
import { Building2, ChevronsUpDown, FolderOpen, LogOut, Moon, Plus, Store, Sun, SunMoon } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { WorkspaceInfo } from "@/api/gen/WorkspaceInfo";
import { host } from "@/api/host";
import { Badge, cx, IconButton, Menu, type MenuEntry, sayError, setAppearance, unsay, useAppearance } from "@/design";
import { t } from "@/i18n";
import { CreateWorkspace } from "@/workspaces/create";
import { workspaceName } from "@/workspaces/name";
import { useOpenWorkspace } from "@/workspaces/open";
import { ClockControls } from "./clock";
import { useUndecided } from "./decide";
import { mayLeave } from "./unsaved";

/** Which workspace, what time it is there, whether anything goes out, and the colours. */
export function TopBar({ info }: { info: WorkspaceInfo }) {
  return (
    <div className="flex h-11 shrink-0 items-center gap-2 border-line-subtle border-b px-2">
      <WorkspaceSwitcher info={info} />
      <div className="flex-1" />
      <ClockControls />
      <span className="h-4 border-line-default border-l" aria-hidden />
      <StatusPill />
      <ThemeButton />
    </div>
  );
}

function WorkspaceSwitcher({ info }: { info: WorkspaceInfo }) {
  const recent = useRead("workspaces.recent", {});
  const opening = useOpenWorkspace();
  const close = useWrite("workspaces.close", { onSuccess: unsay, onError: sayError });
  const [creating, setCreating] = useState(false);
  const served = host().kind === "http";
  const others = (recent.data ?? []).filter((each) => each.file !== info.file && each.exists).slice(0, 6);
  const entries: MenuEntry[] = [
    ...others.map((each) => ({
      label: workspaceName(each),
      icon: each.sample ? Store : Building2,
      onSelect: () => void opening.open({ path: each.file }),
    })),
    {
      label: t("shell.switcher.open"),
      icon: FolderOpen,
      onSelect: () => void opening.choose(),
      divided: others.length > 0,
    },
    { label: t("shell.switcher.create"), icon: Plus, onSelect: () => setCreating(true) },
    {
      label: t("shell.switcher.close"),
      icon: LogOut,
      onSelect: () => void mayLeave().then((leave) => leave && close.mutate({})),
      divided: true,
    },
  ];
  const called = workspaceName({ name: info.workspace.name, file: info.file });
  const name = (
    <>
      <span
        aria-hidden
        className="flex size-5 shrink-0 items-center justify-center rounded-control bg-accent-solid font-semibold text-meta text-on-accent"
      >
        {[...called][0]?.toLocaleUpperCase()}
      </span>
      <span className="truncate font-semibold">{called}</span>
      {info.workspace.sample && <Badge tone="warn">{t("shell.sample_badge")}</Badge>}
    </>
  );
  if (served) return <div className="flex h-8 min-w-0 items-center gap-2 px-2">{name}</div>;
  return (
    <>
      <Menu
        trigger={
          <button
            type="button"
            className="flex h-8 min-w-0 max-w-80 items-center gap-2 rounded-control px-2 hover:bg-hover"
          >
            <span className="sr-only">{t("shell.switcher.label")}</span>
            {name}
            <ChevronsUpDown size={14} aria-hidden className="shrink-0 text-ink-3" />
          </button>
        }
        header={
          others.length > 0 ? (
            <p className="px-2 pt-1 pb-0.5 text-ink-3 text-meta">{t("shell.switcher.recent")}</p>
          ) : undefined
        }
        entries={entries}
      />
      <CreateWorkspace open={creating} onClose={() => setCreating(false)} />
    </>
  );
}

function StatusPill() {
  const { data } = useRead("outbox.summary", {});
  const absence = useRead("absence.get", {});
  const waiting = absence.data?.waiting ?? 0;
  const undecided = useUndecided();
  const sending = data?.sending;
  const leaving = (sending?.queued ?? 0) + (sending?.in_flight ?? 0);
  const attention = sending?.attention ?? 0;
  const deaf = data?.closed === "no_opt_out_source";
  const look =
    "figures flex h-8 items-center gap-2 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1";
  if (waiting > 0) {
    return (
      <Link to="/home" aria-label={t("shell.status.away_about")} className={look}>
        <span aria-hidden className="size-2 rounded-full bg-warn" />
        {t("shell.status.away", { n: waiting })}
      </Link>
    );
  }
  if (undecided > 0 && attention === 0) {
    return (
      <Link to="/replies" search={{}} aria-label={t("shell.status.undecided_about", { n: undecided })} className={look}>
        <span aria-hidden className="size-2 rounded-full bg-warn" />
        {t("shell.status.undecided", { n: undecided })}
      </Link>
    );
  }
  if (deaf && attention === 0) {
    return (
      <Link to="/settings" search={{ part: "replies" }} aria-label={t("shell.status.deaf_about")} className={look}>
        <span aria-hidden className="size-2 rounded-full bg-warn" />
        {t("shell.status.deaf")}
      </Link>
    );
  }
  const [state, dot] =
    attention > 0
      ? [t("shell.status.attention", { n: attention }), "bg-warn"]
      : sending?.paused
        ? [t("shell.status.paused"), "bg-warn"]
        : leaving > 0
          ? [t("shell.status.sending", { n: leaving }), "bg-live animate-[breathe_1.6s_ease-in-out_infinite]"]
          : [t("shell.status.local"), "bg-ok"];
  return (
    <Link
      to="/outbox"
      search={attention > 0 ? { state: "attention" } : {}}
      aria-label={t("shell.status.label", { state })}
      className={look}
    >
      <span aria-hidden className={cx("size-2 rounded-full", dot)} />
      {state}
    </Link>
  );
}

function ThemeButton() {
  const { theme } = useAppearance();
  const icons = { dark: Moon, light: Sun, system: SunMoon };
  const names = { dark: t("shell.theme.dark"), light: t("shell.theme.light"), system: t("shell.theme.system") };
  return (
    <Menu
      align="end"
      trigger={<IconButton icon={icons[theme]} label={t("shell.theme.label", { theme: names[theme] })} />}
      entries={(["light", "dark", "system"] as const).map((each) => ({
        label: names[each],
        icon: icons[each],
        checked: theme === each,
        onSelect: () => setAppearance({ theme: each }),
      }))}
    />
  );
}
