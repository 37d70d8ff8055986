import { Link } from "@tanstack/react-router";
import {
  ChartNoAxesColumn,
  Filter,
  Gauge,
  House,
  Inbox,
  Keyboard,
  type LucideIcon,
  Mail,
  Megaphone,
  MessageSquareReply,
  PanelLeftClose,
  PanelLeftOpen,
  Send,
  Settings,
  Users,
  Waypoints,
} from "lucide-react";
import type { ReactElement } from "react";
import { cx, IconButton, Tooltip } from "@/design";
import { t } from "@/i18n";

const places = [
  { to: "/home", icon: House, label: "shell.nav.home", keys: "G H" },
  { to: "/journeys", icon: Waypoints, label: "shell.nav.journeys", keys: "G J" },
  { to: "/campaigns", icon: Megaphone, label: "shell.nav.campaigns", keys: "G M" },
  { to: "/contacts", icon: Users, label: "shell.nav.contacts", keys: "G C" },
  { to: "/segments", icon: Filter, label: "shell.nav.segments", keys: "G S" },
  { to: "/scores", icon: Gauge, label: "shell.nav.scores", keys: "G P" },
  { to: "/templates", icon: Mail, label: "shell.nav.templates", keys: "G T" },
  { to: "/analytics", icon: ChartNoAxesColumn, label: "shell.nav.analytics", keys: "G A" },
  { to: "/outbox", icon: Send, label: "shell.nav.outbox", keys: "G O" },
  { to: "/replies", icon: MessageSquareReply, label: "shell.nav.replies", keys: "G R" },
] as const;

/** Only a sample has one. */
const world = { to: "/world", icon: Inbox, label: "shell.nav.world", keys: "G W" } as const;

/** The way to every screen. */
export function Rail({
  sample,
  collapsed,
  onToggle,
  onKeys,
}: {
  sample: boolean;
  collapsed: boolean;
  onToggle: () => void;
  onKeys: () => void;
}) {
  return (
    <nav
      aria-label={t("shell.navigation")}
      className={cx("flex shrink-0 flex-col gap-0.5 border-line-subtle border-r p-2", collapsed ? "w-13" : "w-50")}
    >
      {[...places, ...(sample ? [world] : [])].map((place) => (
        <Place key={place.to} {...place} label={t(place.label)} collapsed={collapsed} />
      ))}
      <div className="flex-1" />
      <Place to="/settings" icon={Settings} label={t("shell.nav.settings")} collapsed={collapsed} />
      <IconButton icon={Keyboard} label={t("shell.keys.title")} shortcut="?" onClick={onKeys} className="mt-1 ml-0.5" />
      <IconButton
        icon={collapsed ? PanelLeftOpen : PanelLeftClose}
        label={collapsed ? t("shell.expand") : t("shell.collapse")}
        onClick={onToggle}
        className="ml-0.5"
      />
    </nav>
  );
}

function Place({
  to,
  icon: Icon,
  label,
  keys,
  collapsed,
}: {
  to: (typeof places)[number]["to"] | typeof world.to | "/settings";
  icon: LucideIcon;
  label: string;
  keys?: string;
  collapsed: boolean;
}) {
  const link: ReactElement = (
    <Link
      to={to}
      aria-label={label}
      className="flex h-8 items-center gap-2.5 rounded-control px-2.5 font-medium text-ink-2 hover:bg-hover hover:text-ink-1 data-[status=active]:bg-selected data-[status=active]:text-ink-1 [&[data-status=active]>svg]:text-accent-text"
    >
      <Icon size={16} aria-hidden className="shrink-0" />
      {!collapsed && <span className="truncate">{label}</span>}
    </Link>
  );
  return collapsed ? (
    <Tooltip text={label} shortcut={keys}>
      {link}
    </Tooltip>
  ) : (
    link
  );
}
