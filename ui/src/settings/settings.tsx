import { getRouteApi, Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { cx } from "@/design";
import { t } from "@/i18n";
import { Accounts } from "./accounts";
import { AppearancePart } from "./appearance";
import { Backup } from "./backup";
import { DiagnosticsPart } from "./diagnostics";
import { Fields } from "./fields";
import { Providers } from "./providers";
import { Replies } from "./replies";
import { Suppressions } from "./suppressions";
import { WorkspacePart } from "./workspace";

const route = getRouteApi("/settings");

const PARTS = [
  "workspace",
  "sending",
  "providers",
  "replies",
  "fields",
  "suppressions",
  "appearance",
  "backup",
  "diagnostics",
] as const;
type Part = (typeof PARTS)[number];

const panels: Record<Part, () => ReactNode> = {
  workspace: () => <WorkspacePart />,
  sending: () => <Accounts />,
  providers: () => <Providers />,
  replies: () => <Replies />,
  fields: () => <Fields />,
  suppressions: () => <Suppressions />,
  appearance: () => <AppearancePart />,
  backup: () => <Backup />,
  diagnostics: () => <DiagnosticsPart />,
};

/** Everything that is set once. */
export function SettingsScreen() {
  const { part } = route.useSearch();
  const shown = PARTS.find((each) => each === part) ?? "workspace";
  return (
    <div className="flex min-h-0 flex-1">
      <nav aria-label={t("settings.title")} className="w-52 shrink-0 border-line-subtle border-r p-3">
        <h1 className="px-2 pb-3 font-semibold text-page">{t("settings.title")}</h1>
        <ul className="space-y-0.5">
          {PARTS.map((each) => (
            <li key={each}>
              <Link
                to="/settings"
                search={{ part: each }}
                aria-current={each === shown ? "page" : undefined}
                className={cx(
                  "flex h-8 items-center rounded-control px-2 font-medium",
                  each === shown ? "bg-selected text-ink-1" : "text-ink-2 hover:bg-hover hover:text-ink-1",
                )}
              >
                {t(`settings.parts.${each}`)}
              </Link>
            </li>
          ))}
        </ul>
      </nav>
      <div className="min-h-0 min-w-0 flex-1 overflow-auto">
        <div className="max-w-220 space-y-5 px-8 py-6">{panels[shown]()}</div>
      </div>
    </div>
  );
}
