import { useEffect, useState } from "react";
import { useWrite } from "@/api/client";
import type { Named } from "@/api/gen/Named";
import type { Number as SimulatedNumber } from "@/api/gen/Number";
import type { SimulateJourney } from "@/api/gen/SimulateJourney";
import { Dialog, ErrorView, SkeletonLines } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";
import { People } from "@/shell/people";

/** A number of a simulation that somebody wants to see the people of, and how much it is. */
export type Behind = { title: string; number: SimulatedNumber; total: number };

/** So many people are named; who wants all of them makes a segment. */
const SOME = 50;

/** The people behind a simulated number: the same simulation, run again with an eye on them. */
export function BehindDialog({
  asked,
  behind,
  onClose,
}: {
  asked: SimulateJourney;
  behind: Behind;
  onClose: () => void;
}) {
  const [job, setJob] = useState<number | null>(null);
  const { mutate, error } = useWrite("journeys.behind", { onSuccess: (started) => setJob(started.job) });
  const { number } = behind;
  // One more than is shown tells whether these are all.
  useEffect(() => mutate({ simulation: asked, number, limit: SOME + 1 }), [mutate, asked, number]);
  const found = useJob(job);
  const failed = error ?? found?.error ?? null;
  const people = found?.state === "done" ? (found.result as Named[]) : null;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={behind.title}
      about={people === null ? undefined : inAll(people.length, behind)}
    >
      <div className="pb-4">
        {failed !== null && <ErrorView error={failed} />}
        {failed === null && people === null && <SkeletonLines lines={4} />}
        {people !== null && <People people={people.slice(0, SOME)} />}
      </div>
    </Dialog>
  );
}

/** How many there are in all. Only who still stands somewhere is one person each: others may have come twice. */
function inAll(found: number, { number, total }: Behind): string {
  const unit =
    number.number === "mails"
      ? "mails"
      : number.number === "waiting" || number.number === "never_left" || found === total
        ? "people"
        : "times";
  return found > SOME
    ? t(`journeys.simulate.behind_first.${unit}`, { n: SOME, total })
    : t(`journeys.simulate.behind.${unit}`, { n: found, total });
}
