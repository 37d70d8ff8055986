import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { Inbox, Play, Settings2, X } from "lucide-react";
import { useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { WorldPersona } from "@/api/gen/WorldPersona";
import type { WorldView } from "@/api/gen/WorldView";
import {
  Button,
  EmptyState,
  ErrorView,
  IconButton,
  Note,
  PageHead,
  SearchInput,
  Select,
  SplitPane,
  sayError,
} from "@/design";
import { ago } from "@/format";
import { t } from "@/i18n";
import { endHint } from "@/shell/hints";
import { useScreenKeys } from "@/shell/keys";
import { useClock, useNow } from "@/shell/now";
import { PERSONAS } from "./answers";
import { MailList, type MailListHandle } from "./list";
import { MailPane, NoMail } from "./mail";
import { useMails } from "./mails";
import { WorldSettingsDialog } from "./settings";

const route = getRouteApi("/world");

/** The inbox of a sample's made-up people; another workspace has none. */
export function WorldScreen() {
  const workspace = useRead("workspaces.current", {});
  if (workspace.data === undefined || workspace.data === null) return null;
  return workspace.data.workspace.sample ? <World /> : <NoSample />;
}

function NoSample() {
  return (
    <EmptyState icon={Inbox} title={t("world.no_sample")} about={t("world.no_sample_about")}>
      <Link
        to="/replies"
        className="flex h-8 items-center rounded-control bg-accent-solid px-3 font-medium text-on-accent hover:bg-accent-hover"
      >
        {t("world.answers_here")}
      </Link>
    </EmptyState>
  );
}

function World() {
  const view = useRead("world.get", {});
  const now = useNow();
  const [setting, setSetting] = useState(false);
  useEffect(() => endHint("world"), []);
  if (view.isError && view.data === undefined)
    return <ErrorView error={view.error} onRetry={() => void view.refetch()} />;
  return (
    <>
      <PageHead title={t("world.title")} about={view.data && figures(view.data, now)}>
        <Button icon={Settings2} disabled={view.data === undefined} onClick={() => setSetting(true)}>
          {t("world.settings.open")}
        </Button>
      </PageHead>
      {view.data !== undefined && <Notices view={view.data} />}
      <Mailboxes view={view.data} now={now} />
      {setting && view.data !== undefined && <WorldSettingsDialog view={view.data} onClose={() => setSetting(false)} />}
    </>
  );
}

function figures(view: WorldView, now: string): string {
  return [
    t("world.count", { n: view.mails }),
    ...(view.settings.on ? [t("world.to_come", { n: view.to_come })] : []),
    ...(view.next_at === null ? [] : [t("world.next", { at: ago(view.next_at, now) })]),
  ].join(" · ");
}

function Notices({ view }: { view: WorldView }) {
  const set = useWrite("world.set", { onError: sayError });
  if (view.settings.on && view.trouble === null) return null;
  return (
    <div className="space-y-2 px-6 pb-3">
      {view.trouble !== null && (
        <Note tone="warn" title={t("world.trouble")}>
          {view.trouble}
        </Note>
      )}
      {!view.settings.on && (
        <Note
          tone="neutral"
          title={t("world.off")}
          actions={
            <Button
              className="self-center"
              busy={set.isPending}
              onClick={() => set.mutate({ ...view.settings, on: true })}
            >
              {t("world.switch_on")}
            </Button>
          }
        >
          {t("world.off_about")}
        </Note>
      )}
    </div>
  );
}

type Search = { q?: string; to?: string; persona?: string; mail?: number };

/** The list of mails, and the one that is open beside it. */
function Mailboxes({ view, now }: { view: WorldView | undefined; now: string }) {
  const navigate = useNavigate();
  const { q, to, persona, mail } = route.useSearch();
  const [typed, setTyped] = useState(q ?? "");
  const [replying, setReplying] = useState(false);
  const words = useDeferredValue(typed.trim());
  const who = PERSONAS.find((each) => each === persona) ?? null;
  const list = useMails(
    { search: words === "" ? null : words, to: to ?? null, persona: who },
    JSON.stringify(view?.settings ?? null),
  );
  const listed = useRef<MailListHandle>(null);
  const pane = useRef<HTMLElement>(null);
  const change = (next: Search) =>
    void navigate({ to: "/world", search: { q, to, persona, mail, ...next }, replace: true });
  const reply = useCallback(() => setReplying(true), []);
  useScreenKeys(useMemo(() => ({ r: mail === undefined ? undefined : reply }), [mail, reply]));

  const filtered = words !== "" || to !== undefined || who !== null;
  const showAll = () => {
    setTyped("");
    change({ q: undefined, to: undefined, persona: undefined });
  };
  const place = mail === undefined ? -1 : list.indexOf(mail);
  if (list.error !== null && list.found === undefined) return <ErrorView error={list.error} onRetry={list.refetch} />;
  if (list.found === 0 && !filtered && mail === undefined) return <Nothing />;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape leads from the mail back to the list.
    <div
      className="flex min-h-0 flex-1 border-line-subtle border-t"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || event.defaultPrevented) return;
        if (pane.current?.contains(event.target as Node)) listed.current?.focus();
      }}
    >
      <SplitPane
        label={t("world.resize")}
        sized="first"
        initial={380}
        min={300}
        max={720}
        remember="world"
        first={
          <>
            <div className="flex shrink-0 items-center gap-2 border-line-subtle border-b p-2">
              <SearchInput
                className="min-w-0 flex-1"
                label={t("world.search")}
                value={typed}
                onChange={(next) => {
                  setTyped(next);
                  change({ q: next.trim() === "" ? undefined : next.trim() });
                }}
              />
              <Select<WorldPersona | "all">
                className="w-32 shrink-0"
                label={t("world.persona")}
                value={who ?? "all"}
                onChange={(next) => change({ persona: next === "all" ? undefined : next })}
                options={[
                  { value: "all", label: t("world.everybody") },
                  ...PERSONAS.map((each) => ({
                    value: each,
                    label: t(`world.personas.${each}`),
                    about: t(`world.personas_about.${each}`),
                  })),
                ]}
              />
            </div>
            {to !== undefined && (
              <div className="flex shrink-0 items-center gap-2 border-line-subtle border-b py-0.5 pr-2 pl-4">
                <span className="min-w-0 flex-1 truncate text-ink-2">{t("world.only_to", { address: to })}</span>
                <IconButton icon={X} label={t("world.all_again")} onClick={() => change({ to: undefined })} />
              </div>
            )}
            {list.found === 0 ? (
              <EmptyState icon={Inbox} title={t("world.none_found")} about={t("world.none_found_about")}>
                <Button onClick={showAll}>{t("world.show_all")}</Button>
              </EmptyState>
            ) : (
              <MailList
                key={`${words} ${to} ${who}`}
                ref={listed}
                list={list}
                chosen={mail}
                onChoose={(next) => {
                  if (next.id === mail) return;
                  setReplying(false);
                  change({ mail: next.id });
                }}
                onEnter={() => pane.current?.focus()}
                now={now}
              />
            )}
          </>
        }
        second={
          mail === undefined ? (
            <NoMail />
          ) : (
            <MailPane
              ref={pane}
              id={mail}
              row={place < 0 ? undefined : list.rowAt(place)}
              now={now}
              replying={replying}
              onReplying={setReplying}
              onOnlyTo={(address) => {
                setTyped("");
                change({ to: address, q: undefined, persona: undefined });
              }}
            />
          )
        }
      />
    </div>
  );
}

const A_DAY_A_SECOND = 86_400;

/** Nothing was sent yet: the ways to the first mail. */
function Nothing() {
  const { clock } = useClock();
  const play = useWrite("clock.play", { onError: sayError });
  return (
    <EmptyState icon={Inbox} title={t("world.empty")} about={t("world.empty_about")}>
      {clock?.kind === "virtual" && clock.speed === 0 && (
        <Button look="primary" icon={Play} busy={play.isPending} onClick={() => play.mutate({ speed: A_DAY_A_SECOND })}>
          {t("world.play")}
        </Button>
      )}
      <Link
        to="/campaigns"
        className="flex h-8 items-center rounded-control border border-line-default bg-surface px-3 font-medium hover:bg-hover"
      >
        {t("world.write")}
      </Link>
    </EmptyState>
  );
}
