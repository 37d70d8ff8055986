import { Moon, Send, SkipForward, Sunrise, X } from "lucide-react";
import { useRead, useWrite } from "@/api/client";
import type { Absence } from "@/api/gen/Absence";
import type { Fate } from "@/api/gen/Fate";
import { Badge, Button, Card, IconButton, sayError, type Tone } from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";

type Row = Absence["journeys"][number];
type Answer = Exclude<Fate, "waits" | "left_alone">;

const HOUR = 3_600_000;

/** How long nobody was there, in the largest whole unit. */
export function away({ from, to }: Pick<Absence, "from" | "to">): string {
  const hours = Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / HOUR));
  return hours < 48 ? t("home.absence.hours", { n: hours }) : t("home.absence.days", { n: Math.round(hours / 24) });
}

/** What fell due while nobody was there, and what becomes of it. Nothing where all was quiet. */
export function WelcomeBack() {
  const { data } = useRead("absence.get", {});
  const close = useWrite("absence.close", { onError: sayError });
  if (!data) return null;
  const all = data.journeys.reduce((sum, each) => sum + each.messages, 0);
  const waits = data.waiting > 0;
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          <Moon size={16} aria-hidden className="text-ink-3" />
          {t("home.absence.title", { away: away(data) })}
        </span>
      }
      about={
        waits
          ? t("home.absence.waits_about", { n: all })
          : t("home.absence.about", { n: all, from: moment(data.from), to: moment(data.to) })
      }
      actions={
        waits ? undefined : <IconButton icon={X} label={t("home.absence.close")} onClick={() => close.mutate({})} />
      }
      flush
    >
      <ul aria-label={t("home.absence.list")}>
        {data.journeys.map((row) => (
          <FellDue key={row.journey} row={row} />
        ))}
      </ul>
      {data.journeys.filter((row) => row.fate === "waits").length > 1 && (
        <div className="flex flex-wrap items-center gap-2 border-line-subtle border-t px-4 py-2.5">
          <span className="flex-1 text-ink-2">{t("home.absence.all", { n: data.waiting })}</span>
          <Answers journey={null} look="primary" />
        </div>
      )}
    </Card>
  );
}

const TONES: Record<Fate, Tone> = {
  waits: "warn",
  left_alone: "neutral",
  send: "ok",
  next_morning: "info",
  skip: "neutral",
};

function FellDue({ row }: { row: Row }) {
  return (
    <li className="flex min-h-11 flex-wrap items-center gap-x-4 gap-y-1 border-line-subtle border-t px-4 py-1.5">
      <span className="min-w-0 flex-1 basis-48 truncate font-medium">
        {row.name === "" ? t("home.absence.gone") : row.name}
        <span className="ml-2 font-normal text-ink-3 text-table">
          {t(row.campaign ? "home.absence.campaign" : "home.absence.journey")}
        </span>
      </span>
      <span className="figures text-ink-2 text-table">{t("home.absence.messages", { n: row.messages })}</span>
      {row.fate === "waits" ? (
        <Answers journey={row.journey} look="quiet" />
      ) : (
        <Badge tone={TONES[row.fate]}>{t(`home.absence.fates.${row.fate}`)}</Badge>
      )}
    </li>
  );
}

const ANSWERS: readonly { fate: Answer; icon: typeof Send }[] = [
  { fate: "send", icon: Send },
  { fate: "next_morning", icon: Sunrise },
  { fate: "skip", icon: SkipForward },
];

function Answers({ journey, look }: { journey: number | null; look: "primary" | "quiet" }) {
  const answer = useWrite("absence.answer", { onError: sayError });
  return (
    <span className="flex items-center gap-1">
      {ANSWERS.map(({ fate, icon }) => (
        <Button
          key={fate}
          icon={icon}
          look={look === "primary" && fate === "send" ? "primary" : "plain"}
          busy={answer.isPending && answer.variables?.fate === fate}
          disabled={answer.isPending}
          onClick={() => answer.mutate({ journey, fate })}
        >
          {t(`home.absence.answers.${fate}`)}
        </Button>
      ))}
    </span>
  );
}
