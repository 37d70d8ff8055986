import { CalendarClock, Clock, FastForward, Pause, Play } from "lucide-react";
import { useState } from "react";
import { useWrite } from "@/api/client";
import { Button, Dialog, Field, IconButton, Menu, Select, sayError, TextInput } from "@/design";
import { clock as clockText, moment } from "@/format";
import { t } from "@/i18n";
import { endHint } from "./hints";
import { useJob } from "./job";
import { useClock } from "./now";
import { useZone } from "./zone";
import { fromZoned, toZoned } from "./zoned";

const SPEEDS = { hour: 3600, six_hours: 21_600, day: 86_400 } as const;
type SpeedName = keyof typeof SPEEDS;

const isSpeed = (word: string | null): word is SpeedName => word !== null && word in SPEEDS;

/** The workspace's time; a virtual clock is also played, paused and moved on here. */
export function ClockControls() {
  const { clock, now } = useClock();
  const play = useWrite("clock.play", { onSuccess: () => endHint("clock"), onError: sayError });
  const pause = useWrite("clock.pause", { onError: sayError });
  const [job, setJob] = useState<number | null>(null);
  const [asking, setAsking] = useState(false);
  const [speed, setSpeed] = useState<SpeedName>(() => {
    const kept = localStorage.getItem("carillon.speed");
    return isSpeed(kept) ? kept : "day";
  });
  const jump = useWrite("clock.jump", { onError: sayError, onSuccess: (answer) => setJob(answer.job) });
  const stop = useWrite("jobs.cancel", { onError: sayError });
  const working = useJob(job, (ended) => {
    setJob(null);
    if (ended.state === "failed" && ended.error !== null) sayError(ended.error);
  });
  if (clock === null) return null;
  const virtual = clock.kind === "virtual";
  const playing = virtual && clock.speed > 0;
  const after = (seconds: number) => ({ at: new Date(new Date(now).getTime() + seconds * 1000).toISOString() });
  const onSpeed = (next: SpeedName) => {
    localStorage.setItem("carillon.speed", next);
    setSpeed(next);
    if (playing) play.mutate({ speed: SPEEDS[next] });
  };
  return (
    <section aria-label={t("shell.clock.label")} className="flex items-center gap-1">
      <span
        className="figures flex items-center gap-2 whitespace-nowrap px-2 text-ink-2"
        title={virtual ? t("shell.clock.virtual") : t("shell.clock.real")}
      >
        {virtual ? (
          <CalendarClock size={16} aria-hidden className={playing ? "text-live" : "text-ink-3"} />
        ) : (
          <Clock size={16} aria-hidden className="text-ink-3" />
        )}
        <time dateTime={now}>{clockText(now)}</time>
      </span>
      {virtual && working === null && (
        <>
          <IconButton
            icon={playing ? Pause : Play}
            label={playing ? t("shell.clock.pause") : t("shell.clock.play")}
            onClick={() => (playing ? pause.mutate({}) : play.mutate({ speed: SPEEDS[speed] }))}
          />
          <Select
            label={t("shell.clock.speed")}
            value={speed}
            onChange={onSpeed}
            options={(Object.keys(SPEEDS) as SpeedName[]).map((value) => ({
              value,
              label: t(`shell.clock.speeds.${value}`),
            }))}
            quiet
          />
          <Menu
            align="end"
            trigger={<IconButton icon={FastForward} label={t("shell.clock.jump")} />}
            entries={[
              {
                label:
                  clock.next_due === null
                    ? t("shell.clock.nothing_due")
                    : t("shell.clock.next_due", { at: moment(clock.next_due) }),
                disabled: clock.next_due === null,
                onSelect: () => jump.mutate({ to: "next_due" }),
              },
              { label: t("shell.clock.day"), onSelect: () => jump.mutate({ to: after(86_400) }) },
              { label: t("shell.clock.week"), onSelect: () => jump.mutate({ to: after(7 * 86_400) }) },
              { label: t("shell.clock.instant"), onSelect: () => setAsking(true), divided: true },
            ]}
          />
        </>
      )}
      {working !== null && (
        <Button look="quiet" busy={stop.isPending} onClick={() => stop.mutate({ id: working.id })}>
          {t("shell.clock.stop")}
        </Button>
      )}
      {asking && (
        <JumpDialog
          now={now}
          onClose={() => setAsking(false)}
          onJump={(at) => {
            setAsking(false);
            jump.mutate({ to: { at } });
          }}
        />
      )}
    </section>
  );
}

function JumpDialog({ now, onClose, onJump }: { now: string; onClose: () => void; onJump: (at: string) => void }) {
  const zone = useZone();
  const [text, setText] = useState(() => toZoned(new Date(new Date(now).getTime() + 86_400_000).toISOString(), zone));
  const at = fromZoned(text, zone);
  const late = at !== null && at > now;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={t("shell.clock.instant_title")}
      about={t("shell.clock.instant_about")}
      submit={{ label: t("shell.clock.go"), run: () => at !== null && onJump(at), disabled: !late }}
    >
      <Field
        label={t("shell.clock.instant_field", { zone })}
        error={late ? undefined : t("shell.clock.instant_past", { now: moment(now) })}
      >
        <TextInput type="datetime-local" value={text} onChange={(event) => setText(event.target.value)} />
      </Field>
    </Dialog>
  );
}
