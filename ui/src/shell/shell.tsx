import { Outlet } from "@tanstack/react-router";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useRead } from "@/api/client";
import { ErrorView } from "@/design";
import { setZone } from "@/format";
import { t } from "@/i18n";
import { Chooser } from "@/workspaces/chooser";
import { useJumpKeys } from "./keys";
import { Rail } from "./rail";
import { TopBar } from "./topbar";

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
  useJumpKeys();
  const [chosen, setChosen] = useState(() => localStorage.getItem("carillon.rail"));
  const narrow = useNarrow();
  const collapsed = chosen === null ? narrow : chosen === "collapsed";
  const workspace = current.data?.workspace;
  const title = workspace?.name;
  useEffect(() => {
    document.title = title === undefined ? t("workspaces.title") : `${title} · ${t("workspaces.title")}`;
  }, [title]);
  if (current.isError) return <ErrorView error={current.error} onRetry={() => void current.refetch()} />;
  if (current.isPending) return <main aria-busy="true" className="h-full" />;
  if (current.data === null || workspace === undefined) return <Chooser />;
  setZone(workspace.time_zone);
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
        <TopBar info={current.data} />
      </header>
      <div className="flex min-h-0 flex-1">
        <Rail collapsed={collapsed} onToggle={toggle} />
        <main id="content" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
          <Outlet />
        </main>
      </div>
    </div>
  );
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
