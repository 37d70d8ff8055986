import { useState } from "react";
import { useRead } from "@/api/client";
import type { CampaignId } from "@/api/gen/CampaignId";
import { Dialog, ErrorNote, SkeletonLines } from "@/design";
import { count } from "@/format";
import { t, tx } from "@/i18n";
import { People } from "@/shell/people";

/** People shown behind one number. */
const SHOWN = 200;

/** A number that opens the people behind it. */
export function PeopleNumber({ id, of, n }: { id: CampaignId; of: string; n: number }) {
  const [open, setOpen] = useState(false);
  const what = tx(`campaigns.reasons.${of}`, of);
  return (
    <>
      <button
        type="button"
        className="figures rounded-control px-1 font-medium text-accent-text hover:bg-hover disabled:text-ink-3"
        aria-label={`${t("campaigns.check.show", { what })}: ${count(n)}`}
        disabled={n === 0}
        onClick={() => setOpen(true)}
      >
        {count(n)}
      </button>
      {open && (
        <Dialog open onClose={() => setOpen(false)} title={`${what} (${count(n)})`} width="small">
          <Behind id={id} of={of} />
        </Dialog>
      )}
    </>
  );
}

function Behind({ id, of }: { id: CampaignId; of: string }) {
  const people = useRead("campaigns.people", { id, of, limit: SHOWN });
  if (people.isError) return <ErrorNote error={people.error} onRetry={() => void people.refetch()} />;
  if (!people.data) return <SkeletonLines />;
  return <People people={people.data} />;
}
