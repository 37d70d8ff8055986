import { Dialog, Kbd } from "@/design";
import { t } from "@/i18n";
import { useDesigner, useDesignerStore } from "../state";

const KEYS = [
  ["↑ ↓ ← →", "move"],
  ["⇧ ↓", "extend"],
  ["J K", "order"],
  ["A /", "add"],
  ["I", "insert"],
  ["C", "connect"],
  ["Enter", "open"],
  ["F2", "rename"],
  ["Del", "delete"],
  ["Ctrl Del", "delete_heal"],
  ["⇧ Del", "delete_open"],
  ["Ctrl D", "duplicate"],
  ["Ctrl C V", "copy"],
  ["Ctrl A", "all"],
  ["Alt ↑", "nudge"],
  ["Ctrl Z", "undo"],
  ["F8", "problem"],
  ["1", "fit"],
  ["2", "fit_selection"],
  ["0", "full"],
  ["⇧ T", "tidy"],
  ["P", "simulate"],
  ["Esc", "escape"],
  ["?", "help"],
] as const;

/** All keys of the canvas. */
export function KeysSheet() {
  const store = useDesignerStore();
  const shown = useDesigner((state) => state.keysShown);
  return (
    <Dialog open={shown} onClose={() => store.getState().show({ keysShown: false })} title={t("journeys.keys.title")}>
      <dl className="grid gap-x-8 gap-y-0.5 pb-4 sm:grid-cols-2">
        {KEYS.map(([keys, word]) => (
          <div key={word} className="flex min-h-7 items-center gap-3">
            <dt className="w-24 shrink-0">
              <Kbd keys={keys} />
            </dt>
            <dd className="min-w-0 text-ink-2">{t(`journeys.keys.${word}`)}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
