import { Link } from "@tanstack/react-router";
import { Reply, X } from "lucide-react";
import { useState } from "react";
import { useRead } from "@/api/client";
import { host } from "@/api/host";
import { Badge, EmptyState, ErrorView, Facts, IconButton, SkeletonLines, Tabs } from "@/design";
import { ago, count, moment } from "@/format";
import { t } from "@/i18n";
import { Responses } from "@/shell/responses";
import { MESSAGE_TONES } from "@/shell/tones";

/** One message: what is in it, why it goes, and what the server said. */
export function MessagePanel({ id, now, onClose }: { id: number; now: string; onClose: () => void }) {
  const message = useRead("outbox.get", { id }, { keep: true });
  const answers = useRead("responses.of_message", { message: id });
  const [tab, setTab] = useState<"preview" | "history" | "answers" | "text">("preview");
  const data = message.data;
  return (
    <aside
      aria-label={t("outbox.message")}
      className="flex w-[min(480px,50%)] shrink-0 flex-col border-line-subtle border-l bg-surface"
    >
      <header className="flex items-start gap-2 py-3 pr-2 pl-4">
        <div className="min-w-0 flex-1">
          <h2 className="truncate font-semibold text-section">{data?.subject ?? ""}</h2>
          {data !== undefined && (
            <p className="mt-1 flex items-center gap-2">
              <Badge tone={MESSAGE_TONES[data.state]} dot>
                {t(`common.message_states.${data.state}`)}
              </Badge>
              <Link
                to="/contacts/$contact"
                params={{ contact: String(data.contact_id) }}
                className="truncate text-ink-2 hover:text-accent-text"
              >
                {data.to}
              </Link>
            </p>
          )}
        </div>
        <IconButton plain icon={X} label={t("common.close")} onClick={onClose} />
      </header>
      {message.isError && <ErrorView error={message.error} onRetry={() => void message.refetch()} />}
      {message.isPending && <SkeletonLines />}
      {data !== undefined && (
        <Tabs
          label={t("outbox.message")}
          className="min-h-0 flex-1"
          value={tab}
          onChange={setTab}
          tabs={[
            {
              value: "preview",
              label: t("outbox.preview"),
              panel: (
                <div className="flex h-full flex-col">
                  <p className="shrink-0 px-4 py-1.5 text-ink-3 text-table">
                    {t(data.received ? "outbox.preview_received" : "outbox.preview_about")}
                  </p>
                  <iframe
                    title={t("outbox.frame")}
                    src={host().frameUrl(data.frame)}
                    sandbox=""
                    referrerPolicy="no-referrer"
                    className="block min-h-0 w-full flex-1 bg-white"
                  />
                </div>
              ),
            },
            {
              value: "history",
              label: t("outbox.history"),
              count: count(data.attempts),
              panel: (
                <div className="px-4 py-2">
                  <Facts
                    items={[
                      {
                        label: t("outbox.columns.why"),
                        value: (
                          <Link
                            to="/journeys/$journey"
                            params={{ journey: String(data.key.journey) }}
                            className="hover:text-accent-text"
                          >
                            {[data.journey_name, data.step_title].filter(Boolean).join(" · ")}
                          </Link>
                        ),
                        note: t("outbox.occurrence", { enrolment: data.key.enrolment, visit: data.key.visit }),
                      },
                      { label: t("outbox.template"), value: data.template_name },
                      { label: t("outbox.account"), value: data.account_name },
                      { label: t("outbox.columns.queued"), value: moment(data.queued_at) },
                      ...(data.next_at === null
                        ? []
                        : [{ label: t("outbox.next_try"), value: moment(data.next_at), note: ago(data.next_at, now) }]),
                    ]}
                  />
                  <h3 className="mt-4 mb-1 font-semibold">{t("outbox.tries")}</h3>
                  {data.tries.length === 0 && <p className="text-ink-2">{t("outbox.no_tries")}</p>}
                  <ol className="divide-y divide-line-subtle">
                    {data.tries.map((attempt, at) => (
                      <li key={`${attempt.at}-${at}`} className="py-2">
                        <p className="flex gap-2">
                          <span className="flex-1 font-medium">{t(`common.message_states.${attempt.state}`)}</span>
                          <time dateTime={attempt.at} className="figures text-ink-3 text-table">
                            {moment(attempt.at)}
                          </time>
                        </p>
                        <p className="break-words font-mono text-ink-2 text-table">{attempt.reply}</p>
                      </li>
                    ))}
                  </ol>
                </div>
              ),
            },
            {
              value: "answers",
              label: t("replies.came_back"),
              count: answers.data === undefined ? undefined : count(answers.data.length),
              panel:
                answers.error !== null ? (
                  <ErrorView error={answers.error} onRetry={() => void answers.refetch()} />
                ) : answers.data === undefined ? (
                  <SkeletonLines />
                ) : answers.data.length === 0 ? (
                  <EmptyState
                    icon={Reply}
                    title={t("replies.came_back_none")}
                    about={t("replies.came_back_none_about")}
                  />
                ) : (
                  <div className="py-2">
                    <Responses rows={answers.data} now={now} />
                  </div>
                ),
            },
            {
              value: "text",
              label: t("outbox.text"),
              panel: <pre className="whitespace-pre-wrap break-words p-4 font-mono text-table">{data.text}</pre>,
            },
          ]}
        />
      )}
    </aside>
  );
}
