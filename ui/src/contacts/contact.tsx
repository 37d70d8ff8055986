import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { ArrowLeft, BadgeCheck, Inbox, Plus, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ChosenShown } from "@/api/gen/ChosenShown";
import type { ContactPage } from "@/api/gen/ContactPage";
import type { Field } from "@/api/gen/Field";
import type { Passage } from "@/api/gen/Passage";
import {
  Badge,
  Button,
  Card,
  Confirm,
  EmptyState,
  ErrorView,
  IconButton,
  Note,
  SkeletonLines,
  SplitPane,
  StatusDot,
  say,
  sayError,
  Tabs,
} from "@/design";
import { count, day, moment, value } from "@/format";
import { t } from "@/i18n";
import { isOfCompany } from "@/shell/company-fields";
import { Decide } from "@/shell/decide";
import { ExportMenu } from "@/shell/export";
import { useNow } from "@/shell/now";
import { Said } from "@/shell/responses";
import { TagsInput } from "@/shell/tags-input";
import { sourceText, Timeline } from "@/shell/timeline";
import { Values } from "@/shell/values";
import { OfContact } from "./company";
import { ConsentDialog } from "./consent";
import { AllHistory, FieldHistory } from "./history";
import { Scores } from "./scores";

const CONSENT_TONES = { granted: "ok", withdrawn: "bad", requested: "warn" } as const;

const route = getRouteApi("/contacts/$contact");

/** One person: what is known, since when and from where, and everything that happened. */
export function ContactScreen() {
  const id = Number(route.useParams().contact);
  const page = useRead("contacts.get", { id });
  const fields = useRead("fields.list", {});
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines lines={10} />;
  return <Person page={page.data} fields={fields.data ?? []} />;
}

const nameOf = (page: ContactPage): string => {
  const text = (key: string) => value(page.contact.fields.find((field) => field.key === key)?.value);
  return [text("first_name"), text("last_name")].filter(Boolean).join(" ");
};

function Person({ page, fields }: { page: ContactPage; fields: readonly Field[] }) {
  const navigate = useNavigate();
  const [tab, setTab] = useState<"timeline" | "journeys" | "scores" | "consent">("timeline");
  const [deleting, setDeleting] = useState(false);
  const now = useNow();
  const { contact } = page;
  const remove = useWrite("contacts.delete", {
    onSuccess: () => {
      say(t("contacts.deleted", { n: 1 }));
      void navigate({ to: "/contacts" });
    },
    onError: sayError,
  });
  const name = nameOf(page);
  const sample = useRead("workspaces.current", {}).data?.workspace.sample ?? false;
  return (
    <>
      <header className="flex shrink-0 items-center gap-3 border-line-subtle border-b px-4 py-3">
        <Link
          to="/contacts"
          aria-label={t("contacts.back")}
          className="flex size-8 items-center justify-center rounded-control text-ink-2 hover:bg-hover"
        >
          <ArrowLeft size={16} aria-hidden />
        </Link>
        <span
          aria-hidden
          className="flex size-10 shrink-0 items-center justify-center rounded-full bg-selected font-semibold text-accent-text"
        >
          {(name === "" ? contact.email : name).slice(0, 1).toLocaleUpperCase()}
        </span>
        <div className="min-w-0 flex-1">
          <h1 className="truncate font-semibold text-section">{name === "" ? contact.email : name}</h1>
          <p className="truncate text-ink-2">
            {name !== "" && `${contact.email} · `}
            {t("contacts.since", { day: day(contact.created_at) })}
          </p>
        </div>
        <Permission page={page} />
        {sample && (
          <Link
            to="/world"
            search={{ to: contact.email.toLowerCase() }}
            className="flex h-8 shrink-0 items-center gap-1.5 rounded-control border border-line-default bg-surface px-3 font-medium hover:bg-hover"
          >
            <Inbox size={16} aria-hidden className="-ml-0.5" />
            {t("contacts.inbox")}
          </Link>
        )}
        <Button look="danger" icon={Trash2} onClick={() => setDeleting(true)}>
          {t("common.delete")}
        </Button>
      </header>
      <SplitPane
        label={t("contacts.details")}
        remember="contact"
        initial={380}
        first={
          <Tabs
            label={t("contacts.views")}
            className="min-h-0 flex-1 pt-1"
            value={tab}
            onChange={setTab}
            tabs={[
              { value: "timeline", label: t("contacts.timeline.title"), panel: <History id={contact.id} now={now} /> },
              {
                value: "journeys",
                label: t("contacts.journeys.title"),
                count: count(page.journeys.length),
                panel: <Journeys passages={page.journeys} />,
              },
              { value: "scores", label: t("scores.contact.title"), panel: <Scores contact={contact.id} /> },
              {
                value: "consent",
                label: t("contacts.consent.title"),
                count: count(page.consents.length),
                panel: <Ledger page={page} />,
              },
            ]}
          />
        }
        second={<Details page={page} fields={fields} />}
      />
      <Confirm
        open={deleting}
        onClose={() => setDeleting(false)}
        onConfirm={() => remove.mutate({ who: { ids: [contact.id] } })}
        busy={remove.isPending}
        title={t("contacts.delete_title", { n: 1 })}
        about={t("contacts.delete_about")}
        action={t("contacts.delete_action", { n: 1 })}
      />
    </>
  );
}

function Permission({ page }: { page: ContactPage }) {
  if (page.suppressed !== null) {
    return (
      <Badge tone="bad" dot>
        {t("contacts.suppressed")}
      </Badge>
    );
  }
  const allowed = page.permissions.some(
    (each) => each.allowed && each.channel === "email" && each.purpose === "marketing",
  );
  return (
    <Badge tone={allowed ? "ok" : "neutral"} dot>
      {allowed ? t("contacts.permitted") : t("contacts.not_permitted")}
    </Badge>
  );
}

const SOME = 100;

function History({ id, now }: { id: number; now: string }) {
  const [limit, setLimit] = useState(SOME);
  const timeline = useRead("contacts.timeline", { id, before: null, limit }, { keep: true });
  if (timeline.isError) return <ErrorView error={timeline.error} onRetry={() => void timeline.refetch()} />;
  if (timeline.data === undefined) return <SkeletonLines />;
  if (timeline.data.length === 0) return <p className="p-6 text-ink-2">{t("contacts.timeline.none")}</p>;
  return (
    <div className="py-3">
      <div className="flex justify-end px-4">
        <ExportMenu
          list={{ of: "events", contact: id, name: null }}
          name="events"
          label={t("contacts.timeline.export")}
        />
      </div>
      <Timeline entries={timeline.data} now={now} />
      {timeline.data.length >= limit && (
        <Button look="quiet" className="mx-4 mt-2" busy={timeline.isFetching} onClick={() => setLimit(limit + SOME)}>
          {t("contacts.timeline.more")}
        </Button>
      )}
    </div>
  );
}

function Journeys({ passages }: { passages: readonly Passage[] }) {
  if (passages.length === 0) {
    return <p className="p-6 text-ink-2">{t("contacts.journeys.none")}</p>;
  }
  return (
    <ul className="space-y-3 p-4">
      {passages.map((passage) => (
        <li key={passage.enrolment}>
          <Card
            title={
              <Link
                to="/journeys/$journey"
                params={{ journey: String(passage.journey) }}
                className="hover:text-accent-text"
              >
                {passage.journey_name}
              </Link>
            }
            about={t("contacts.journeys.about", { version: passage.version, at: moment(passage.entered_at) })}
            actions={
              <span className="pr-2">
                <StatusDot tone={passage.ended_at === null ? "live" : "neutral"}>
                  {passage.ended_at === null
                    ? t("contacts.journeys.at", { step: passage.at_step })
                    : t("contacts.journeys.ended", { at: day(passage.ended_at) })}
                </StatusDot>
              </span>
            }
          >
            <ol aria-label={t("contacts.journeys.path")} className="flex flex-wrap items-center gap-1">
              {wayOf(passage).map((step, at, way) => (
                <li key={`${step.step}-${at}`} className="flex items-center gap-1">
                  {at > 0 && (
                    <span aria-hidden className="text-ink-3">
                      {"→"}
                    </span>
                  )}
                  <Badge tone={passage.ended_at === null && at === way.length - 1 ? "accent" : "neutral"}>
                    {step.title}
                  </Badge>
                </li>
              ))}
            </ol>
          </Card>
        </li>
      ))}
    </ul>
  );
}

/** The steps walked. Each begins with the entry; what is learned of a mail later is no step back. */
const wayOf = (passage: Passage) => passage.path.filter((step) => step.facts.some((fact) => fact.fact === "entered"));

/** What they chose on the preference page, where it keeps something back. */
function Chosen({ chosen: { topics_left, paused_until } }: { chosen: ChosenShown }) {
  if (topics_left.length === 0 && paused_until === null) return null;
  return (
    <Note>
      {topics_left.length > 0 && (
        <p>{t("contacts.consent.topics_left", { n: topics_left.length, topics: topics_left.join(", ") })}</p>
      )}
      {paused_until !== null && <p>{t("contacts.consent.paused_until", { at: moment(paused_until) })}</p>}
    </Note>
  );
}

/** Replies of theirs that may be a wish to be left alone. */
function Undecided({ page: { chosen, contact } }: { page: ContactPage }) {
  const { data } = useRead("responses.undecided_of", { contact: contact.id }, { enabled: chosen.undecided.length > 0 });
  if (chosen.undecided.length === 0 || data === undefined) return null;
  return (
    <ul className="space-y-3">
      {data.map((reply) => (
        <li key={reply.id} className="space-y-2">
          {reply.detail !== null && <Said text={reply.detail} />}
          <Decide of={reply} who={contact.email} />
        </li>
      ))}
    </ul>
  );
}

function Ledger({ page }: { page: ContactPage }) {
  const [adding, setAdding] = useState(false);
  return (
    <div className="space-y-4 p-4">
      {page.suppressed !== null && (
        <Note tone="bad" title={t("contacts.consent.suppressed")}>
          <p>
            {t("contacts.consent.suppressed_why", {
              reason: t(`common.suppression_reasons.${page.suppressed.reason}`),
              source: sourceText(page.suppressed.source),
              since: moment(page.suppressed.since),
            })}
          </p>
          <p>{t(`contacts.consent.suppressed_scopes.${page.suppressed.scope}`)}</p>
          <p>{t("contacts.consent.suppressed_about")}</p>
        </Note>
      )}
      <Chosen chosen={page.chosen} />
      <Undecided page={page} />
      <Card
        title={t("contacts.consent.ledger")}
        about={t("contacts.consent.ledger_about")}
        flush
        actions={
          <Button icon={Plus} onClick={() => setAdding(true)}>
            {t("contacts.consent.add")}
          </Button>
        }
      >
        {page.consents.length === 0 ? (
          <EmptyState icon={BadgeCheck} title={t("contacts.consent.none")} about={t("contacts.consent.none_about")} />
        ) : (
          <ol>
            {page.consents.map((entry, at) => (
              <li key={`${entry.at}-${at}`} className="border-line-subtle border-t px-4 py-2">
                <div className="flex items-baseline gap-2">
                  <Badge tone={CONSENT_TONES[entry.action]} dot>
                    {t(`contacts.consent.${entry.action}`)}
                  </Badge>
                  <span className="min-w-0 flex-1 truncate">
                    {`${t(`common.channels.${entry.channel}`)} · ${t(`common.purposes.${entry.purpose}`)} · ${t(`common.bases.${entry.basis}`)}`}
                  </span>
                  <time dateTime={entry.at} className="figures text-ink-3 text-table">
                    {moment(entry.at)}
                  </time>
                </div>
                {entry.wording !== null && (
                  <blockquote className="mt-1 border-line-default border-l-2 pl-3 text-ink-2">
                    {entry.wording}
                  </blockquote>
                )}
                <p className="mt-1 truncate text-ink-3 text-table">
                  {sourceText(entry.source)}
                  {entry.wording_hash !== null && (
                    <span className="font-mono">{` · ${entry.wording_hash.slice(0, 16)}`}</span>
                  )}
                </p>
              </li>
            ))}
          </ol>
        )}
      </Card>
      {adding && <ConsentDialog contact={page.contact.id} onClose={() => setAdding(false)} />}
    </div>
  );
}

function Details({ page, fields }: { page: ContactPage; fields: readonly Field[] }) {
  const { contact } = page;
  const write = useWrite("contacts.update", { onError: sayError });
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <section className="border-line-subtle border-b p-4" aria-label={t("contacts.columns.tags")}>
        <Tags id={contact.id} tags={contact.tags} />
      </section>
      <OfContact page={page} fields={fields} />
      <section className="border-line-subtle border-b px-4 py-3">
        <header className="mb-1 flex items-center justify-between">
          <h2 className="font-semibold">{t("contacts.fields")}</h2>
          <AllHistory contact={contact.id} email={contact.email} />
        </header>
        <Values
          fields={fields.filter((field) => field.key !== "created_at" && !isOfCompany(field.key))}
          known={contact.fields}
          locked={(field) => field.key === "email" || field.score !== undefined}
          note={(field) =>
            field.key === "time_zone" ? t("contacts.zone_of_workspace", { zone: page.time_zone.name }) : null
          }
          // What a score says is in its ledger.
          beside={(field) =>
            field.score === undefined && <FieldHistory contact={contact.id} field={field.key} label={field.label} />
          }
          onSave={(key, value, done) => write.mutate({ id: contact.id, values: [{ key, value }] }, { onSuccess: done })}
        />
      </section>
      <section className="px-4 py-3">
        <h2 className="mb-1 font-semibold">{t("contacts.in_segments")}</h2>
        {page.segments.length === 0 && <p className="text-ink-3">{t("contacts.in_no_segment")}</p>}
        <ul>
          {page.segments.map((segment) => (
            <li key={segment.id}>
              <Link
                to="/segments/$segment"
                params={{ segment: String(segment.id) }}
                className="ring-inside flex h-8 items-center gap-2 rounded-control px-2 hover:bg-hover"
              >
                <span className="min-w-0 flex-1 truncate">{segment.name}</span>
                {segment.since !== null && (
                  <time
                    dateTime={segment.since}
                    title={moment(segment.since)}
                    className="shrink-0 text-ink-3 text-meta"
                  >
                    {t("contacts.in_segment_since", { at: day(segment.since) })}
                  </time>
                )}
              </Link>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}

function Tags({ id, tags }: { id: number; tags: readonly string[] }) {
  const [adding, setAdding] = useState(false);
  const write = useWrite("contacts.tag", { onError: sayError });
  return (
    <div className="flex flex-wrap items-center gap-1.5">
      {tags.map((tag) => (
        <span
          key={tag}
          className="inline-flex h-8 items-center rounded-control border border-line-subtle bg-surface pl-2 text-table"
        >
          {tag}
          <IconButton
            icon={X}
            label={t("contacts.remove_tag", { tag })}
            className="-my-px"
            onClick={() => write.mutate({ who: { ids: [id] }, add: [], remove: [tag] })}
          />
        </span>
      ))}
      {adding ? (
        <div className="w-44">
          <TagsInput
            autoFocus
            label={t("contacts.add_tag")}
            value={[]}
            onChange={(add) => write.mutate({ who: { ids: [id] }, add, remove: [] })}
            onLeave={() => setAdding(false)}
          />
        </div>
      ) : (
        <Button look="quiet" icon={Plus} onClick={() => setAdding(true)}>
          {t("contacts.add_tag")}
        </Button>
      )}
    </div>
  );
}
