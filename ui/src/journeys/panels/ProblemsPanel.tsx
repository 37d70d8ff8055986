import { CircleAlert, CircleCheck, TriangleAlert } from "lucide-react";
import type { Problem } from "@/api/gen/Problem";
import { cx, Kbd } from "@/design";
import { t } from "@/i18n";
import { useDesigner, useDesignerStore } from "../state";
import { problemText } from "../words";

/** Everything that is wrong, by what it keeps from happening; a click goes there. */
export function ProblemsPanel({ checking }: { checking: boolean }) {
  const problems = useDesigner((state) => state.problems);
  const groups = [
    { key: "errors", list: problems.filter((problem) => problem.severity === "error") },
    { key: "warnings", list: problems.filter((problem) => problem.severity === "warning") },
  ] as const;
  return (
    <div className="p-4">
      <div className="flex items-center gap-2">
        <h2 className="flex-1 font-semibold text-section">{t("journeys.problems.title")}</h2>
        {checking ? (
          <span className="late text-ink-3 text-table">{t("journeys.problems.checking")}</span>
        ) : (
          <Kbd keys="F8" />
        )}
      </div>
      {problems.length === 0 && (
        <p className="mt-3 flex items-start gap-2 text-ink-2">
          <CircleCheck size={16} aria-hidden className="mt-0.5 shrink-0 text-ok" />
          {t("journeys.problems.none")}
        </p>
      )}
      {groups.map(
        ({ key, list }) =>
          list.length > 0 && (
            <section key={key} className="mt-4">
              <h3 className="mb-1 font-medium text-ink-3 text-meta">
                {t(`journeys.problems.${key}`)} <span className="figures">{list.length}</span>
              </h3>
              <ul className="-mx-2">
                {list.map((problem, at) => (
                  <Line key={`${problem.code} ${problem.step} ${problem.field} ${at}`} problem={problem} />
                ))}
              </ul>
            </section>
          ),
      )}
    </div>
  );
}

function Line({ problem }: { problem: Problem }) {
  const store = useDesignerStore();
  const doc = useDesigner((state) => state.drawing.doc);
  const catalogue = useDesigner((state) => state.catalogue);
  const chosen = useDesigner((state) => problem.step !== null && state.cursor === problem.step);
  const Icon = problem.severity === "error" ? CircleAlert : TriangleAlert;
  const go = () => {
    const state = store.getState();
    state.select(problem.step === null ? [] : [problem.step], problem.step);
    if (problem.field !== null && problem.step !== null) state.show({ panel: "inspector", field: problem.field });
  };
  return (
    <li>
      <button
        type="button"
        onClick={go}
        className={cx(
          "flex w-full items-start gap-2 rounded-control px-2 py-1.5 text-left hover:bg-hover",
          chosen && "bg-selected",
        )}
      >
        <Icon
          size={16}
          aria-hidden
          className={cx("mt-0.5 shrink-0", problem.severity === "error" ? "text-bad" : "text-warn")}
        />
        <span className="min-w-0 break-words">{problemText(problem, doc, catalogue)}</span>
      </button>
    </li>
  );
}
