import { cx } from "@/design/cx";
import { t } from "@/i18n";
import { seedSettings } from "../catalogue";
import { familyOf } from "../families";
import { iconOf } from "../icons";
import { useDesigner, useDesignerStore } from "../state";
import { aboutKind, titleOfKind } from "../summary";
import { hues } from "./StepCard";

/** The first choice of every journey: how people come in. */
export function EmptyCanvas() {
  const store = useDesignerStore();
  const catalogue = useDesigner((state) => state.catalogue);
  const entries = catalogue.faces.filter((face) => face.group === "entries");
  return (
    <div className="pointer-events-none absolute inset-0 flex flex-col items-center justify-center p-6">
      <h2 className="font-semibold text-section">{t("journeys.canvas.empty_title")}</h2>
      <p className="mt-1 mb-5 text-ink-2">{t("journeys.canvas.empty_text")}</p>
      <ul className="pointer-events-auto w-90 max-w-full space-y-2">
        {entries.map((face) => {
          const Icon = iconOf(face.icon);
          return (
            <li key={face.kind}>
              <button
                type="button"
                className="flex w-full items-start gap-3 rounded-card border border-line-default bg-surface px-4 py-2.5 text-left hover:border-line-control hover:bg-hover"
                onClick={() => {
                  const state = store.getState();
                  state.perform({ op: "add", seed: { kind: face.kind, settings: seedSettings(face) } });
                  state.show({ panel: "inspector", field: "first" });
                }}
              >
                <Icon size={16} aria-hidden className={cx("mt-0.5 shrink-0", hues[familyOf(face.kind, face.group)])} />
                <span className="min-w-0">
                  <span className="block font-medium">{titleOfKind(face.kind)}</span>
                  <span className="block text-ink-2 text-table">{aboutKind(face.kind)}</span>
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
