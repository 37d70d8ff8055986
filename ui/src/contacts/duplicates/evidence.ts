// What speaks for and against two contacts being one person, in words.
import type { MatchEvidence } from "@/api/gen/MatchEvidence";
import { t } from "@/i18n";

/** Bits from which a value that is the same is an unusual one. */
const RARE = 6;

type Strength =
  | "for_very"
  | "for_strong"
  | "for_some"
  | "for_weak"
  | "against_weak"
  | "against_some"
  | "against_strong";

/** How much bits say: each doubles the odds. */
export function strength(bits: number): Strength {
  if (bits >= 10) return "for_very";
  if (bits >= 5) return "for_strong";
  if (bits >= 2) return "for_some";
  if (bits >= 0) return "for_weak";
  if (bits > -2) return "against_weak";
  return bits > -5 ? "against_some" : "against_strong";
}

/** What was found, without how much it says. `label`: what people call a field. */
export function finding(of: MatchEvidence, label: (key: string) => string): string {
  if (of.about !== "field" || of.level === null || of.level === "missing") {
    return of.about === "field" ? "" : t(`contacts.duplicates.about_all.${of.about}`);
  }
  const field = of.key === null ? t("contacts.duplicates.house_number") : label(of.key);
  const level = of.level === "exact" && of.bits >= RARE ? "exact_rare" : of.level;
  return t(`contacts.duplicates.levels.${level}`, { field });
}

/** What says something, the loudest first. */
export function told(evidence: readonly MatchEvidence[]): MatchEvidence[] {
  return evidence
    .filter((each) => each.level !== "missing" && Math.abs(each.bits) >= 0.05)
    .toSorted((one, other) => Math.abs(other.bits) - Math.abs(one.bits));
}
