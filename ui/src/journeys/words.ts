/** Labels of the undo list and problems, in words. */
import type { Journey } from "@/api/gen/Journey";
import type { Problem } from "@/api/gen/Problem";
import { t, tx } from "@/i18n";
import type { Catalogue } from "./catalogue";
import type { Label } from "./document";
import { stepOf } from "./drawing";
import { missingSetting, portName, titleOf, titleOfKind, unsetText } from "./summary";

export function labelText(label: Label): string {
  const what = label.name ? `“${label.name}”` : label.kind ? titleOfKind(label.kind) : "";
  return tx(`journeys.undo.${label.key}`, label.key, { what, count: label.count ?? 0 });
}

/** The sentence of a problem, with steps and ports called as people call them. */
export function problemText(problem: Problem, doc: Journey, catalogue: Catalogue): string {
  const params: Record<string, string> = { ...problem.params };
  const step = problem.step === null ? undefined : stepOf(doc, problem.step);
  const target = params.target === undefined ? undefined : stepOf(doc, params.target);
  // The program names what it could not read; where nothing was said yet, people are asked for it.
  const missing = step && problem.code === "bad_settings" ? missingSetting(step, catalogue) : undefined;
  if (step && missing) return t("journeys.problems.missing", { step: titleOf(step), what: unsetText(missing) });
  if (step) params.step = titleOf(step);
  if (target) params.target = titleOf(target);
  if (step && params.port !== undefined) params.port = portName(step, params.port);
  if (step && params.field !== undefined) params.field = settingLabel(step.kind, params.field);
  return tx(
    `problems.${problem.code}`,
    t("journeys.problems.unknown", { code: problem.code.replace(/_/g, " ") }),
    params,
  );
}

/** The words of a setting. */
export function settingLabel(kind: string, name: string): string {
  return tx(`steps.${kind}.settings.${name}`, name.replace(/_/g, " "));
}
