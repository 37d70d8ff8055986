import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useWrite } from "@/api/client";
import type { Named } from "@/api/gen/Named";
import type { Number as SimulatedNumber } from "@/api/gen/Number";
import type { SimulateJourney } from "@/api/gen/SimulateJourney";
import { Dialog, ErrorView, SkeletonLines } from "@/design";
import { t } from "@/i18n";
import { useJob } from "@/shell/job";

/** A number of a simulation that somebody wants to see the people of. */
export type Behind = { title: string; number: SimulatedNumber };

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
  useEffect(() => mutate({ simulation: asked, number, limit: SOME }), [mutate, asked, number]);
  const found = useJob(job);
  const failed = error ?? found?.error ?? null;
  const people = found?.state === "done" ? (found.result as Named[]) : null;
  return (
    <Dialog
      open
      onClose={onClose}
      width="small"
      title={behind.title}
      about={
        people === null
          ? undefined
          : t(people.length < SOME ? "journeys.simulate.behind" : "journeys.simulate.behind_first", {
              n: people.length,
            })
      }
    >
      <div className="pb-4">
        {failed !== null && <ErrorView error={failed} />}
        {failed === null && people === null && <SkeletonLines lines={4} />}
        <ul className="-mx-2">
          {people?.map(({ id, email }) => (
            <li key={id}>
              <Link
                to="/contacts/$contact"
                params={{ contact: String(id) }}
                className="ring-inside block truncate rounded-control px-2 py-1 hover:bg-hover"
              >
                {email}
              </Link>
            </li>
          ))}
        </ul>
      </div>
    </Dialog>
  );
}
