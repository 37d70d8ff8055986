import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { ErrorView } from "@/design";
import { NotFound } from "@/shell/not-found";
import { Shell } from "@/shell/shell";

const root = createRootRoute({ component: Shell });

const index = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/home" });
  },
});

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);
const id = (value: unknown): number | undefined => {
  const read = Number(value);
  return Number.isInteger(read) && read > 0 ? read : undefined;
};

const home = createRoute({
  getParentRoute: () => root,
  path: "/home",
  component: lazyRouteComponent(() => import("@/home/home"), "HomeScreen"),
});

export const contactsRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts",
  // Filters are in the address, so that every view is a link.
  validateSearch: (search): { q?: string; where?: string; sort?: string } => ({
    q: text(search.q),
    where: text(search.where),
    sort: text(search.sort),
  }),
  component: lazyRouteComponent(() => import("@/contacts/contacts"), "ContactsScreen"),
});

const contactsImport = createRoute({
  getParentRoute: () => root,
  path: "/contacts/import",
  component: lazyRouteComponent(() => import("@/contacts/import/wizard"), "ImportScreen"),
});

const importEvents = createRoute({
  getParentRoute: () => root,
  path: "/contacts/import-events",
  component: lazyRouteComponent(() => import("@/contacts/import/events"), "ImportEventsScreen"),
});

const imports = createRoute({
  getParentRoute: () => root,
  path: "/contacts/imports",
  // The import that a folder's file leads to.
  validateSearch: (search): { of?: number } => ({ of: typeof search.of === "number" ? search.of : undefined }),
  component: lazyRouteComponent(() => import("@/contacts/import/imports"), "ImportsScreen"),
});

const importFolder = createRoute({
  getParentRoute: () => root,
  path: "/contacts/imports/folders/$folder",
  component: lazyRouteComponent(() => import("@/contacts/import/folder"), "FolderScreen"),
});

export const duplicatesRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts/duplicates",
  validateSearch: (search): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("@/contacts/duplicates/duplicates"), "DuplicatesScreen"),
});

export const cleansingRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts/cleansing",
  validateSearch: (search): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("@/contacts/cleansing/cleansing"), "CleansingScreen"),
});

export const companiesRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts/companies",
  validateSearch: (search): { q?: string; sort?: string; alone?: true } => ({
    q: text(search.q),
    sort: text(search.sort),
    // Only those without contacts.
    alone: search.alone === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import("@/companies/companies"), "CompaniesScreen"),
});

export const companyRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts/companies/$company",
  component: lazyRouteComponent(() => import("@/companies/company"), "CompanyScreen"),
});

export const contactRoute = createRoute({
  getParentRoute: () => root,
  path: "/contacts/$contact",
  component: lazyRouteComponent(() => import("@/contacts/contact"), "ContactScreen"),
});

export const segmentsRoute = createRoute({
  getParentRoute: () => root,
  path: "/segments",
  component: lazyRouteComponent(() => import("@/segments/segments"), "SegmentsScreen"),
});

export const segmentRoute = createRoute({
  getParentRoute: () => root,
  path: "/segments/$segment",
  component: lazyRouteComponent(() => import("@/segments/editor"), "SegmentScreen"),
});

const scores = createRoute({
  getParentRoute: () => root,
  path: "/scores",
  component: lazyRouteComponent(() => import("@/scores/scores"), "ScoresScreen"),
});

export const scoreRoute = createRoute({
  getParentRoute: () => root,
  path: "/scores/$score",
  component: lazyRouteComponent(() => import("@/scores/editor"), "ScoreScreen"),
});

const templates = createRoute({
  getParentRoute: () => root,
  path: "/templates",
  component: lazyRouteComponent(() => import("@/templates/templates"), "TemplatesScreen"),
});

export const templateRoute = createRoute({
  getParentRoute: () => root,
  path: "/templates/$template",
  validateSearch: (search): { starter?: string } => ({ starter: text(search.starter) }),
  component: lazyRouteComponent(() => import("@/templates/editor"), "TemplateScreen"),
});

const journeys = createRoute({
  getParentRoute: () => root,
  path: "/journeys",
  component: lazyRouteComponent(() => import("@/journeys/screens"), "JourneysScreen"),
});

export const journeyRoute = createRoute({
  getParentRoute: () => root,
  path: "/journeys/$journey",
  component: lazyRouteComponent(() => import("@/journeys/screens"), "JourneyScreen"),
});

const campaigns = createRoute({
  getParentRoute: () => root,
  path: "/campaigns",
  component: lazyRouteComponent(() => import("@/campaigns/campaigns"), "CampaignsScreen"),
});

export const campaignRoute = createRoute({
  getParentRoute: () => root,
  path: "/campaigns/$campaign",
  component: lazyRouteComponent(() => import("@/campaigns/campaign"), "CampaignScreen"),
});

export const analyticsRoute = createRoute({
  getParentRoute: () => root,
  path: "/analytics",
  validateSearch: (search): { days?: number; journey?: number } => ({
    days: id(search.days),
    journey: id(search.journey),
  }),
  component: lazyRouteComponent(() => import("@/analytics/analytics"), "AnalyticsScreen"),
});

export const outboxRoute = createRoute({
  getParentRoute: () => root,
  path: "/outbox",
  validateSearch: (search): { q?: string; state?: string; message?: number } => ({
    q: text(search.q),
    state: text(search.state),
    message: id(search.message),
  }),
  component: lazyRouteComponent(() => import("@/outbox/outbox"), "OutboxScreen"),
});

export const repliesRoute = createRoute({
  getParentRoute: () => root,
  path: "/replies",
  validateSearch: (search): { tab?: string } => ({ tab: text(search.tab) }),
  component: lazyRouteComponent(() => import("@/replies/replies"), "RepliesScreen"),
});

export const worldRoute = createRoute({
  getParentRoute: () => root,
  path: "/world",
  validateSearch: (search): { q?: string; to?: string; persona?: string; mail?: number } => ({
    q: text(search.q),
    to: text(search.to),
    persona: text(search.persona),
    mail: id(search.mail),
  }),
  component: lazyRouteComponent(() => import("@/world/world"), "WorldScreen"),
});

export const settingsRoute = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: (search): { part?: string } => ({ part: text(search.part) }),
  component: lazyRouteComponent(() => import("@/settings/settings"), "SettingsScreen"),
});

const tree = root.addChildren([
  index,
  home,
  contactsRoute,
  contactsImport,
  imports,
  importFolder,
  importEvents,
  duplicatesRoute,
  cleansingRoute,
  companiesRoute,
  companyRoute,
  contactRoute,
  segmentsRoute,
  segmentRoute,
  scores,
  scoreRoute,
  templates,
  templateRoute,
  journeys,
  journeyRoute,
  campaigns,
  campaignRoute,
  analyticsRoute,
  outboxRoute,
  repliesRoute,
  worldRoute,
  settingsRoute,
]);

/** The screens by their address behind the `#`: the page itself comes from a file or a small server. */
export function newRouter() {
  return createRouter({
    routeTree: tree,
    history: createHashHistory(),
    defaultPreload: "intent",
    defaultPendingMs: 300,
    defaultErrorComponent: ({ error, reset }) => <ErrorView error={error} onRetry={reset} />,
    defaultNotFoundComponent: NotFound,
    scrollRestoration: false,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
