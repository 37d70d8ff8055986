import { useState } from "react";
import { useRead } from "@/api/client";
import type { ContactId } from "@/api/gen/ContactId";
import { Combobox } from "@/design";
import { value as valueText } from "@/format";
import { t } from "@/i18n";
import { useDelayed } from "./delayed";

/** Finds one contact by a few letters. */
export function ContactPicker({
  value,
  onChange,
  label,
  where = null,
  className,
}: {
  value: ContactId | null;
  onChange: (value: ContactId | null) => void;
  label: string;
  /** Only those whom a segment's text means. */
  where?: string | null;
  className?: string;
}) {
  const [words, setWords] = useState("");
  const search = useDelayed(words.trim(), 120);
  const found = useRead(
    "contacts.page",
    {
      where,
      search: search === "" ? null : search,
      sort: null,
      offset: 0,
      limit: 20,
      columns: ["first_name", "last_name"],
    },
    { keep: true },
  );
  const chosen = useRead("contacts.get", { id: value ?? 0 }, { enabled: value !== null });
  const options = (found.data?.rows ?? []).map((row) => ({
    value: String(row.id),
    label: row.email,
    about: [valueText(row.values.first_name), valueText(row.values.last_name)].filter(Boolean).join(" "),
  }));
  if (value !== null && !options.some((each) => each.value === String(value)) && chosen.data !== undefined) {
    options.unshift({ value: String(value), label: chosen.data.contact.email, about: "" });
  }
  return (
    <Combobox
      label={label}
      placeholder={t("segments.find_contact")}
      className={className}
      value={value === null ? null : String(value)}
      onChange={(next) => onChange(next === null ? null : Number(next))}
      onSearch={(typed) => setWords(options.some((each) => each.label === typed) ? "" : typed)}
      options={options}
    />
  );
}
