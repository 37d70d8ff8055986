import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import type { ContactId } from "@/api/gen/ContactId";
import type { JourneyView } from "@/api/gen/JourneyView";
import type { Step } from "@/api/gen/Step";
import { Button, say, sayError } from "@/design";
import { t } from "@/i18n";
import { ContactPicker } from "@/shell/contact-picker";
import { ExportMenu } from "@/shell/export";
import { People } from "@/shell/people";

const SHOWN = 8;

/** Who stands at a step now; at an entry by hand, the way to put somebody in. */
export function Here({ step, live, waiting }: { step: Step; live: JourneyView; waiting: number }) {
  const people = useRead(
    "journeys.people",
    { id: live.id, step: step.id, limit: SHOWN },
    { enabled: waiting > 0, keep: true },
  );
  const byHand = step.kind === "entry_manual" && live.state === "live";
  const rows = waiting > 0 ? (people.data ?? []) : [];
  if (rows.length === 0 && !byHand) return null;
  return (
    <section className="border-line-subtle border-t px-4 py-3">
      {byHand && <Enter live={live} />}
      {rows.length > 0 && <h3 className="mb-1 font-medium text-ink-3 text-meta">{t("journeys.inspector.here")}</h3>}
      <People people={rows} />
      {waiting > SHOWN && <ExportMenu list={{ of: "journey", journey: live.id, step: step.id }} name={live.name} />}
      {waiting > rows.length && rows.length > 0 && (
        <p className="text-ink-3 text-table">{t("journeys.inspector.here_more", { count: waiting - rows.length })}</p>
      )}
    </section>
  );
}

function Enter({ live }: { live: JourneyView }) {
  const [contact, setContact] = useState<ContactId | null>(null);
  const chosen = useRead("contacts.get", { id: contact ?? 0 }, { enabled: contact !== null });
  const enter = useWrite("journeys.enter", {
    onSuccess: () => {
      say(t("journeys.inspector.entered", { email: chosen.data?.contact.email ?? "", name: live.name }));
      setContact(null);
    },
    onError: sayError,
  });
  return (
    <div className="mb-2 flex items-center gap-2">
      <ContactPicker
        value={contact}
        onChange={setContact}
        label={t("journeys.inspector.enter")}
        className="min-w-0 flex-1"
      />
      <Button
        disabled={contact === null}
        busy={enter.isPending}
        onClick={() => contact !== null && enter.mutate({ id: live.id, contact })}
      >
        {t("journeys.inspector.enter_button")}
      </Button>
    </div>
  );
}
