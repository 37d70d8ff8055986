import { useEffect, useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { Listening } from "@/api/gen/Listening";
import {
  Badge,
  Button,
  Card,
  ErrorNote,
  Field,
  Note,
  NumberInput,
  SkeletonLines,
  say,
  sayError,
  type Tone,
} from "@/design";
import { ago, moment } from "@/format";
import { t } from "@/i18n";
import { useClock } from "@/shell/now";

/** A source grows stale without anything being written: it is looked at again this often. */
const LOOK_MS = 20_000;

/** The whole minutes of a limit. */
export const minutesOf = (secs: number): number => Math.max(1, Math.round(secs / 60));

/** What the gate makes of the sources, as a sentence with what to do. */
export function verdict({ sources, fresh, not_needed, fresh_secs }: Listening): {
  tone: Tone;
  title: string;
  about: string;
} {
  const minutes = minutesOf(fresh_secs);
  if (fresh) {
    return {
      tone: "ok",
      title: t("settings.listening.heard"),
      about: t("settings.listening.heard_about", { minutes }),
    };
  }
  if (not_needed) {
    return {
      tone: "neutral",
      title: t("settings.listening.not_needed"),
      about: t("settings.listening.not_needed_about"),
    };
  }
  return {
    tone: "warn",
    title: t("settings.listening.waits"),
    about: sources.length === 0 ? t("settings.listening.waits_none") : t("settings.listening.waits_stale", { minutes }),
  };
}

/** Each source with how lately it was read, what follows from it, and how late is too late. */
export function ListeningCard() {
  const listening = useRead("listening.get", {});
  const { refetch } = listening;
  useEffect(() => {
    const timer = setInterval(() => void refetch(), LOOK_MS);
    return () => clearInterval(timer);
  }, [refetch]);
  if (listening.data === undefined) {
    return listening.isError ? (
      <ErrorNote error={listening.error} onRetry={() => void refetch()} />
    ) : (
      <SkeletonLines lines={4} />
    );
  }
  const { tone, title, about } = verdict(listening.data);
  return (
    <Card title={t("settings.listening.title")}>
      <div className="space-y-3">
        <Note tone={tone} title={title}>
          {about}
        </Note>
        <Sources listening={listening.data} />
        <Limit key={listening.data.fresh_secs} secs={listening.data.fresh_secs} />
      </div>
    </Card>
  );
}

function Sources({ listening }: { listening: Listening }) {
  const { now } = useClock();
  return (
    <ul aria-label={t("settings.listening.title")} className="divide-y divide-line-subtle empty:hidden">
      {listening.sources.map((source) => (
        <li key={source.name} className="py-2">
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
            <span className="min-w-0 flex-1 basis-48 truncate font-medium">{source.label}</span>
            <span
              className="figures text-ink-3 text-table"
              title={source.read_at === null ? undefined : moment(source.read_at)}
            >
              {source.read_at === null
                ? t("settings.listening.never")
                : t("settings.listening.read", { ago: ago(source.read_at, now) })}
            </span>
            <Badge tone={source.fresh ? "ok" : "warn"} dot>
              {t(source.fresh ? "settings.listening.fresh" : "settings.listening.stale")}
            </Badge>
          </p>
          {source.trouble !== null && <p className="wrap-anywhere text-bad text-table">{source.trouble}</p>}
        </li>
      ))}
    </ul>
  );
}

function Limit({ secs }: { secs: number }) {
  const [minutes, setMinutes] = useState(minutesOf(secs));
  const set = useWrite("listening.set", {
    onSuccess: () => say(t("settings.listening.limit_kept")),
    onError: sayError,
  });
  const wrong = minutes < 1 || minutes > 60;
  return (
    <form
      className="flex flex-wrap items-start gap-x-3 gap-y-2"
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) set.mutate({ fresh_secs: minutes * 60 });
      }}
    >
      <Field
        label={t("settings.listening.limit")}
        help={t("settings.listening.limit_help")}
        error={wrong ? t("settings.listening.limit_wrong") : undefined}
        className="flex-1 basis-72"
      >
        <div className="flex items-center gap-2">
          <NumberInput className="w-20" min={1} max={60} value={minutes} onChange={setMinutes} />
          <span className="text-ink-2">{t("settings.listening.minutes")}</span>
          {minutes !== minutesOf(secs) && (
            <Button type="submit" disabled={wrong} busy={set.isPending}>
              {t("common.save")}
            </Button>
          )}
        </div>
      </Field>
    </form>
  );
}
