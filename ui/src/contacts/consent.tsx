import { useState } from "react";
import { useWrite } from "@/api/client";
import type { Basis } from "@/api/gen/Basis";
import type { ConsentAction } from "@/api/gen/ConsentAction";
import type { ContactId } from "@/api/gen/ContactId";
import type { Purpose } from "@/api/gen/Purpose";
import { Dialog, Field, Segmented, Select, sayError, TextArea, TextInput } from "@/design";
import { t } from "@/i18n";
import { bases } from "@/shell/bases";

/** One more line of the ledger; none is ever changed or taken away. */
export function ConsentDialog({ contact, onClose }: { contact: ContactId; onClose: () => void }) {
  const [action, setAction] = useState<ConsentAction>("granted");
  const [purpose, setPurpose] = useState<Purpose>("marketing");
  const [basis, setBasis] = useState<Basis>("consent");
  const [source, setSource] = useState("");
  const [wording, setWording] = useState("");
  const add = useWrite("consents.add", { onSuccess: onClose, onError: sayError });
  const save = () =>
    add.mutate({
      contact,
      channel: "email",
      purpose,
      action,
      basis,
      source: source.trim(),
      wording: wording.trim() === "" ? null : wording.trim(),
    });
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("contacts.consent.add")}
      about={t("contacts.consent.add_about")}
      submit={{ label: t("contacts.consent.write"), run: save, disabled: source.trim() === "", busy: add.isPending }}
    >
      <div className="space-y-4">
        <Segmented
          label={t("contacts.consent.what")}
          value={action}
          onChange={setAction}
          options={[
            { value: "granted", label: t("contacts.consent.granted") },
            { value: "withdrawn", label: t("contacts.consent.withdrawn") },
          ]}
        />
        <div className="grid grid-cols-2 gap-4">
          <Field label={t("contacts.consent.purpose")}>
            <Select
              value={purpose}
              onChange={setPurpose}
              options={(["marketing", "transactional", "tracking"] as const).map((each) => ({
                value: each,
                label: t(`common.purposes.${each}`),
              }))}
            />
          </Field>
          <Field label={t("contacts.form.basis")}>
            <Select value={basis} onChange={setBasis} options={bases()} />
          </Field>
        </div>
        <Field label={t("contacts.form.source")} help={t("contacts.form.source_help")}>
          <TextInput value={source} onChange={(event) => setSource(event.target.value)} />
        </Field>
        <Field label={t("contacts.consent.wording")} help={t("contacts.consent.wording_help")} optional>
          <TextArea value={wording} onChange={(event) => setWording(event.target.value)} />
        </Field>
      </div>
    </Dialog>
  );
}
