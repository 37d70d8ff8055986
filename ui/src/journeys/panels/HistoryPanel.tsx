import { cx } from "@/design";
import { t } from "@/i18n";
import { useDesigner, useDesignerStore } from "../state";
import { labelText } from "../words";

/** Everything that was done since the journey was opened, the newest first. A click goes to that moment. */
export function HistoryPanel() {
  const store = useDesignerStore();
  const past = useDesigner((state) => state.drawing.past);
  const future = useDesigner((state) => state.drawing.future);
  const present = past[past.length - 1]?.id ?? 0;
  const entries = [...past, ...future].reverse();
  return (
    <div className="p-4">
      <h2 className="mb-2 font-semibold text-section">{t("journeys.bar.history")}</h2>
      {entries.length === 0 && <p className="text-ink-2">{t("journeys.history.empty")}</p>}
      <ol className="-mx-2">
        {entries.map((entry) => (
          <Moment
            key={entry.id}
            text={labelText(entry.label)}
            present={entry.id === present}
            undone={entry.id > present}
            onClick={() => store.getState().jump(entry.id)}
          />
        ))}
        {entries.length > 0 && (
          <Moment
            text={t("journeys.history.start")}
            present={present === 0}
            undone={false}
            onClick={() => store.getState().jump(0)}
          />
        )}
      </ol>
    </div>
  );
}

function Moment({
  text,
  present,
  undone,
  onClick,
}: {
  text: string;
  present: boolean;
  undone: boolean;
  onClick: () => void;
}) {
  return (
    <li>
      <button
        type="button"
        aria-current={present || undefined}
        onClick={onClick}
        className={cx(
          "flex h-8 w-full items-center gap-2.5 rounded-control px-2 text-left hover:bg-hover",
          present && "bg-selected font-medium",
          undone && "text-ink-3",
        )}
      >
        <span
          aria-hidden
          className={cx(
            "size-2 shrink-0 rounded-full border",
            present ? "border-accent-solid bg-accent-solid" : undone ? "border-line-control" : "border-ink-3 bg-ink-3",
          )}
        />
        <span className="truncate">{text}</span>
      </button>
    </li>
  );
}
