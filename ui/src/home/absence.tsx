import { Moon, Send, SkipForward, Sunrise, X } from "lucide-react";
import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { Absence } from "@/api/gen/Absence";
import type { Fate } from "@/api/gen/Fate";
import { Badge, Button, Card, Confirm, IconButton, sayError, type Tone } from "@/design";
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
          <Answers journey={null} n={data.waiting} />
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
        <Answers journey={row} n={row.messages} />
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

/** So many messages of one journey are sent or skipped without asking back. */
const FEW = 25;

/** Neither can be taken back: what was sent is gone, and a journey has gone on from what was skipped. */
const asksFirst = (fate: Answer, all: boolean, n: number) => fate !== "next_morning" && (all || n > FEW);

/** What becomes of the messages of a journey, or of all. */
function Answers({ journey, n }: { journey: Row | null; n: number }) {
  const [asking, setAsking] = useState<Answer | null>(null);
  const answer = useWrite("absence.answer", {
    onSuccess: () => setAsking(null),
    onError: (error) => {
      setAsking(null);
      sayError(error);
    },
  });
  const give = (fate: Answer) => answer.mutate({ journey: journey?.journey ?? null, fate });
  return (
    <span className="flex items-center gap-1">
      {ANSWERS.map(({ fate, icon }) => (
        <Button
          key={fate}
          icon={icon}
          look={journey === null && fate === "send" ? "primary" : "plain"}
          busy={answer.isPending && answer.variables?.fate === fate}
          disabled={answer.isPending}
          onClick={() => (asksFirst(fate, journey === null, n) ? setAsking(fate) : give(fate))}
        >
          {t(`home.absence.answers.${fate}`)}
        </Button>
      ))}
      {asking !== null && asking !== "next_morning" && (
        <Confirm
          open
          danger={asking === "skip"}
          onClose={() => setAsking(null)}
          onConfirm={() => give(asking)}
          busy={answer.isPending}
          title={
            journey === null
              ? t(`home.absence.ask.${asking}_all`, { n })
              : t(`home.absence.ask.${asking}_one`, { n, name: journey.name || t("home.absence.gone") })
          }
          about={t(`home.absence.ask.${asking}_about`)}
          action={t(`home.absence.ask.${asking}`, { n })}
        />
      )}
    </span>
  );
}
