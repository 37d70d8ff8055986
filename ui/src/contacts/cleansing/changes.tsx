import { Link } from "@tanstack/react-router";
import { ArrowRight } from "lucide-react";
import type { CleansingChange } from "@/api/gen/CleansingChange";
import type { CleansingContact } from "@/api/gen/CleansingContact";
import type { CleansingStep } from "@/api/gen/CleansingStep";
import { Badge, CheckBox, ScrollBox } from "@/design";
import { t } from "@/i18n";
import { countryName } from "./countries";
import { difference, visible } from "./difference";

interface ChangesProps {
  rows: readonly CleansingContact[];
  /** What is shown is of a rule that is not accepted. */
  out: boolean;
  refused: ReadonlyMap<string, unknown>;
  onRefuse: (contact: number, key: string, no: boolean) => void;
}

/** Values as they are and as they would be, each to be refused. */
export function Changes({ rows, out, refused, onRefuse }: ChangesProps) {
  return (
    <ScrollBox label={t("contacts.cleansing.changes")} className="min-h-0 flex-1">
      {out && <p className="px-4 py-2 text-ink-3 text-table">{t("contacts.cleansing.rule_is_out")}</p>}
      <table aria-label={t("contacts.cleansing.changes")} className="w-full table-fixed border-collapse text-table">
        <colgroup>
          <col style={{ width: "3rem" }} />
          <col style={{ width: "26%" }} />
          <col style={{ width: "14%" }} />
          <col />
        </colgroup>
        <thead>
          <tr className="row-h text-left text-ink-3">
            <th scope="col" className="px-4">
              <span className="sr-only">{t("contacts.cleansing.accept")}</span>
            </th>
            <th scope="col" className="px-3 font-normal">
              {t("contacts.cleansing.contact")}
            </th>
            <th scope="col" className="px-3 font-normal">
              {t("contacts.cleansing.field")}
            </th>
            <th scope="col" className="px-3 font-normal">
              {t("contacts.cleansing.change")}
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((contact) =>
            contact.changes.map((change) => (
              <Row
                key={`${contact.id}:${change.key}`}
                contact={contact}
                change={change}
                out={out}
                refused={refused.has(`${contact.id}:${change.key}`)}
                onRefuse={(no) => onRefuse(contact.id, change.key, no)}
              />
            )),
          )}
        </tbody>
      </table>
    </ScrollBox>
  );
}

interface RowProps {
  contact: CleansingContact;
  change: CleansingChange;
  out: boolean;
  refused: boolean;
  onRefuse: (no: boolean) => void;
}

function Row({ contact, change, out, refused, onRefuse }: RowProps) {
  const taken = change.taken_by !== null;
  return (
    <tr className="border-line-subtle border-t align-top">
      <td className="px-4 py-2">
        <CheckBox
          checked={!refused && !out && !taken}
          disabled={out || taken}
          onChange={(yes) => onRefuse(!yes)}
          label={t("contacts.cleansing.accept_change", { field: change.label, email: contact.email })}
        />
      </td>
      <td className="truncate px-3 py-2">
        <Link
          to="/contacts/$contact"
          params={{ contact: String(contact.id) }}
          className="hover:text-accent-text hover:underline"
        >
          {contact.email}
        </Link>
      </td>
      <td className="truncate px-3 py-2 text-ink-2">{change.label}</td>
      <td className="px-3 py-2">
        <Values old={change.old} next={change.new} />
        <p className="text-ink-3">{change.steps.map(reason).join(" ")}</p>
        {taken && <Badge tone="warn">{t("contacts.cleansing.taken")}</Badge>}
        {change.suppressed && <Badge tone="warn">{t("contacts.cleansing.suppressed")}</Badge>}
      </td>
    </tr>
  );
}

const COUNTRIES = new Set<CleansingStep["reason"]>([
  "country_of_contact",
  "country_chosen",
  "post_code_form",
  "leading_zero",
]);

/** Why, in a sentence. */
function reason(step: CleansingStep): string {
  const about = step.about ?? "";
  return t(`contacts.cleansing.reasons.${step.reason}`, {
    about: COUNTRIES.has(step.reason) && about !== "" ? countryName(about) : about,
  });
}

/** Both values, with what goes and what comes marked by more than a colour. */
function Values({ old, next }: { old: string | null; next: string }) {
  const stretches = difference(old ?? "", next).map((each, at) => ({ ...each, at }));
  const side = (own: "gone" | "come", Mark: "del" | "ins", look: string) =>
    stretches
      .filter((each) => each.kind === "both" || each.kind === own)
      .map((each) =>
        each.kind === "both" ? (
          each.text
        ) : (
          <Mark key={each.at} className={look}>
            {visible(each.text)}
          </Mark>
        ),
      );
  return (
    <p className="flex flex-wrap items-baseline gap-x-2 break-all text-body">
      <span>
        {old === null ? (
          <span className="text-ink-3">{t("contacts.cleansing.no_value")}</span>
        ) : (
          side("gone", "del", "rounded-[3px] bg-bad/12 text-bad")
        )}
      </span>
      <ArrowRight size={14} aria-label={t("contacts.cleansing.becomes")} className="shrink-0 self-center text-ink-3" />
      <span className="font-medium">{side("come", "ins", "rounded-[3px] bg-ok/12 text-ok")}</span>
    </p>
  );
}
