import { t } from "@/i18n";
import { KeysSheet } from "@/shell/keys-sheet";
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
export function CanvasKeys() {
  const store = useDesignerStore();
  return (
    <KeysSheet
      open={useDesigner((state) => state.keysShown)}
      onClose={() => store.getState().show({ keysShown: false })}
      title={t("journeys.keys.title")}
      keys={KEYS.map(([keys, word]) => [keys, t(`journeys.keys.${word}`)] as const)}
    />
  );
}
