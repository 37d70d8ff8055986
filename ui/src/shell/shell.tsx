import { Outlet, useRouterState } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useState, useSyncExternalStore } from "react";
import { useRead } from "@/api/client";
import type { WorkspaceInfo } from "@/api/gen/WorkspaceInfo";
import { ErrorNote, ErrorView } from "@/design";
import { setZone } from "@/format";
import { t } from "@/i18n";
import { Chooser } from "@/workspaces/chooser";
import { workspaceName } from "@/workspaces/name";
import { Opening, useOpening } from "@/workspaces/open";
import { useShellKeys } from "./keys";
import { ShellKeys } from "./keys-sheet";
import { Rail } from "./rail";
import { TopBar } from "./topbar";
import { LeaveQuestion } from "./unsaved";

const NARROW = "(max-width: 1119px)";

/** Whether the window is so narrow that the rail is icons only, unless the user said otherwise. */
function useNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      const media = window.matchMedia(NARROW);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    () => window.matchMedia(NARROW).matches,
  );
}

/** The frame around every screen; without an open workspace, the place to choose one. */
export function Shell() {
  const current = useRead("workspaces.current", {});
  const opening = useOpening();
  const [keysShown, setKeysShown] = useState(false);
  const showKeys = useCallback(() => setKeysShown(true), []);
  const info = current.data ?? null;
  const sample = info?.workspace.sample ?? false;
  useShellKeys(showKeys, sample);
  const title = info === null ? undefined : workspaceName({ name: info.workspace.name, file: info.file });
  useEffect(() => {
    document.title = title === undefined ? t("workspaces.title") : `${title} · ${t("workspaces.title")}`;
  }, [title]);
  return (
    <>
      {current.isLoadingError ? (
        <ErrorView error={current.error} onRetry={() => void current.refetch()} />
      ) : info !== null ? (
        <Frame info={info} onKeys={showKeys}>
          {/* The screens stay as they are: what is written on them may be nowhere else. */}
          {current.isRefetchError && <ErrorNote error={current.error} onRetry={() => void current.refetch()} />}
        </Frame>
      ) : current.isPending || opening !== null ? (
        <main aria-busy="true" className="h-full" />
      ) : (
        <Chooser />
      )}
      <Opening name={opening} />
      <LeaveQuestion />
      <ShellKeys sample={sample} open={keysShown} onClose={() => setKeysShown(false)} />
    </>
  );
}

/** Rail, head and screen of an open workspace. */
function Frame({ info, onKeys, children }: { info: WorkspaceInfo; onKeys: () => void; children: ReactNode }) {
  const [chosen, setChosen] = useState(() => localStorage.getItem("carillon.rail"));
  const narrow = useNarrow();
  const collapsed = chosen === null ? narrow : chosen === "collapsed";
  const { workspace } = info;
  setZone(workspace.time_zone);
  useFocusKept();
  const toggle = () => {
    const next = collapsed ? "open" : "collapsed";
    localStorage.setItem("carillon.rail", next);
    setChosen(next);
  };
  return (
    <div className="flex h-full flex-col">
      <button
        type="button"
        onClick={() => document.getElementById("content")?.focus()}
        className="-top-10 absolute left-2 z-50 rounded-control bg-surface px-3 py-1.5 focus:top-1"
      >
        {t("shell.skip")}
      </button>
      <header className="shrink-0">
        {workspace.sample && <SampleStripe />}
        <TopBar info={info} />
        {children}
      </header>
      <div className="flex min-h-0 flex-1">
        <Rail sample={workspace.sample} collapsed={collapsed} onToggle={toggle} onKeys={onKeys} />
        <main id="content" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          <Outlet />
        </main>
      </div>
    </div>
  );
}

/** On another screen, what had the keyboard may be gone: Tab goes on in the content, not at the top of the window. */
function useFocusKept(): void {
  const shown = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  useEffect(() => {
    if (shown !== undefined && document.activeElement === document.body) document.getElementById("content")?.focus();
  }, [shown]);
}

function SampleStripe() {
  return (
    <div
      role="note"
      className="flex h-6 shrink-0 items-center justify-center gap-2 border-line-subtle border-b font-medium text-meta text-warn"
      style={{
        backgroundImage:
          "repeating-linear-gradient(-45deg, color-mix(in oklch, var(--color-warn) 9%, var(--color-surface)) 0 8px, var(--color-surface) 8px 16px)",
      }}
    >
      <span className="rounded-control bg-surface px-2">{t("shell.sample_stripe")}</span>
    </div>
  );
}
