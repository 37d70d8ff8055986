import { useNavigate } from "@tanstack/react-router";
import { Waypoints } from "lucide-react";
import { useState } from "react";
import { mutate, query, useRead } from "@/api/client";
import type { Journey } from "@/api/gen/Journey";
import { Button, Note, sayError } from "@/design";
import { t } from "@/i18n";

/** The mail with the link, as somebody begins to write it. */
const bodyOf = () => `<mjml>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-text font-size="20px">${t("settings.confirming.mail_head")}</mj-text>
        <mj-text>${t("settings.confirming.mail_text")}</mj-text>
        <mj-button href="{{ confirm_url }}">${t("settings.confirming.mail_button")}</mj-button>
        <mj-text>${t("settings.confirming.mail_else")}</mj-text>
        <mj-text font-size="12px">{{ organisation }}, {{ postal_address }}</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
`;

/** The journey that sends it to whoever has something to confirm, at most once a day. */
const drawingOf = (template: string): Journey => ({
  format: "carillon/journey/1",
  name: template,
  re_entry: { policy: "after_days", days: 1 },
  steps: [
    {
      id: "s1",
      kind: "entry_event",
      settings: { event: "form_submitted", where: "to_confirm is yes" },
      next: { next: "s2" },
    },
    { id: "s2", kind: "send_email", settings: { template, transactional: true }, next: { next: "s3" } },
    { id: "s3", kind: "exit" },
  ],
});

/** Makes the mail, where there is none of its name, and its journey as a draft. The journey's number. */
async function makeBoth(): Promise<number> {
  const name = t("settings.confirming.name");
  const known = await query("templates.list", {});
  if (!known.some((template) => template.name === name)) {
    const subject = t("settings.confirming.mail_subject");
    await mutate("templates.save", {
      id: null,
      draft: { name, subject, preheader: "", body: bodyOf(), text: "", topic: null },
    });
  }
  return (await mutate("journeys.import", { text: JSON.stringify(drawingOf(name)) })).id;
}

/** Who writes the mail that forms with double opt-in wait for; where nobody does, how to have it written. */
export function Confirmation() {
  const writers = useRead("relay.confirming", {});
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  if (writers.data === undefined) return null;
  if (writers.data.length > 0) {
    return (
      <p className="px-4 py-2.5 text-ink-3 text-table">
        {t("settings.confirming.by", { names: writers.data.map((name) => `“${name}”`).join(", ") })}
      </p>
    );
  }
  const make = async () => {
    setBusy(true);
    try {
      const journey = await makeBoth();
      void navigate({ to: "/journeys/$journey", params: { journey: String(journey) } });
    } catch (thrown) {
      sayError(thrown);
      setBusy(false);
    }
  };
  return (
    <div className="p-4">
      <Note
        tone="warn"
        title={t("settings.confirming.none")}
        actions={
          <Button icon={Waypoints} busy={busy} onClick={() => void make()}>
            {t("settings.confirming.make")}
          </Button>
        }
      >
        {t("settings.confirming.none_about")}
      </Note>
    </div>
  );
}
