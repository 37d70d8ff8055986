import { useWrite } from "@/api/client";
import type { JourneyId } from "@/api/gen/JourneyId";
import { Confirm, say, sayError } from "@/design";
import { t } from "@/i18n";

export type Act = "pause" | "resume" | "drain" | "stop";

const COMMAND = {
  pause: "journeys.pause",
  resume: "journeys.resume",
  drain: "journeys.drain",
  stop: "journeys.stop",
} as const;

/** Asks before the people inside are touched, and says in numbers what happens to them. */
export function Acts({
  act,
  id,
  name,
  active,
  onClose,
}: {
  act: Act | null;
  id: JourneyId;
  name: string;
  active: number;
  onClose: () => void;
}) {
  if (act === null) return null;
  return <Ask act={act} id={id} name={name} active={active} onClose={onClose} />;
}

function Ask({
  act,
  id,
  name,
  active,
  onClose,
}: {
  act: Act;
  id: JourneyId;
  name: string;
  active: number;
  onClose: () => void;
}) {
  const write = useWrite(COMMAND[act], {
    onSuccess: () => {
      onClose();
      say(t(`journeys.act.done_${act}`, { name }));
    },
    onError: (error) => {
      onClose();
      sayError(error);
    },
  });
  return (
    <Confirm
      open
      onClose={onClose}
      onConfirm={() => write.mutate({ id })}
      busy={write.isPending}
      danger={act === "stop"}
      title={t(`journeys.act.${act}_title`, { name })}
      about={t(`journeys.act.${act}_text`, { count: active })}
      action={t(`journeys.act.${act}`).replace("…", "")}
    />
  );
}
