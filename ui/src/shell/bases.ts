import type { Basis } from "@/api/gen/Basis";
import { t } from "@/i18n";

const ALL: readonly Basis[] = ["consent", "double_opt_in", "soft_opt_in", "contract", "legitimate_interest", "implied"];

/** The legal grounds as options. */
export function bases(): { value: Basis; label: string }[] {
  return ALL.map((value) => ({ value, label: t(`common.bases.${value}`) }));
}
