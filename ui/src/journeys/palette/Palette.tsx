import { useState } from "react";
import type { StepKindFace } from "@/api/gen/StepKindFace";
import { cx, SearchInput, useDrag } from "@/design";
import { t } from "@/i18n";
import { hues } from "../canvas/StepCard";
import type { PaletteItem } from "../canvas/usePaletteDrag";
import { GROUPS, seedSettings } from "../catalogue";
import { isEntry, orderedPorts, stepOf } from "../drawing";
import { familyOf } from "../families";
import { iconOf } from "../icons";
import { type DesignerStore, useDesigner, useDesignerStore } from "../state";
import { aboutKind, titleOfKind } from "../summary";
import { findKinds } from "./find";

/** Every kind of step: drag one onto an arrow, or press Enter (or double-click) to add it after the selection. */
export function Palette() {
  const catalogue = useDesigner((state) => state.catalogue);
  const [search, setSearch] = useState("");
  const found = findKinds(catalogue.faces, search);
  const groups = search.trim() === "" ? GROUPS : [null];
  return (
    <aside
      aria-label={t("journeys.palette.title")}
      className="flex w-56 shrink-0 flex-col border-line-subtle border-r bg-surface"
    >
      <div className="p-3 pb-2">
        <SearchInput value={search} onChange={setSearch} label={t("journeys.palette.search")} />
      </div>
      <div className="min-h-0 flex-1 overflow-auto px-2 pb-3">
        {groups.map((group) => {
          const kinds = group === null ? found : found.filter((face) => face.group === group);
          if (kinds.length === 0) return null;
          return (
            <section key={group ?? "found"} className="mb-2">
              {group !== null && (
                <h3 className="px-2 pt-2 pb-1 font-medium text-ink-3 text-meta">{t(`journeys.group.${group}`)}</h3>
              )}
              <ul>
                {kinds.map((face) => (
                  <Kind key={face.kind} face={face} />
                ))}
              </ul>
            </section>
          );
        })}
        {found.length === 0 && <p className="px-2 py-1 text-ink-3">{t("journeys.palette.none", { search })}</p>}
      </div>
      <p className="border-line-subtle border-t px-4 py-2.5 text-ink-3 text-meta">{t("journeys.palette.hint")}</p>
    </aside>
  );
}

function Kind({ face }: { face: StepKindFace }) {
  const store = useDesignerStore();
  const { ref, handle, dragging } = useDrag<PaletteItem>(`palette-${face.kind}`, { kind: face.kind });
  const Icon = iconOf(face.icon);
  return (
    <li>
      <button
        ref={ref}
        type="button"
        {...handle}
        onKeyDown={(event) => {
          // Enter adds; Space lifts it for the arrow keys, as the drag's own listener does.
          if (event.key === "Enter") {
            event.preventDefault();
            addAfterSelection(store, face);
          } else handle.onKeyDown?.(event);
        }}
        onDoubleClick={() => addAfterSelection(store, face)}
        title={aboutKind(face.kind)}
        aria-label={t("journeys.palette.lift", { step: titleOfKind(face.kind) })}
        className={cx(
          "flex h-8 w-full touch-none select-none items-center gap-2.5 rounded-control px-2 text-left ring-inside hover:bg-hover",
          dragging && "opacity-50",
        )}
      >
        <Icon size={16} aria-hidden className={cx("shrink-0", hues[familyOf(face.kind, face.group)])} />
        <span className="min-w-0 flex-1 truncate">{titleOfKind(face.kind)}</span>
      </button>
    </li>
  );
}

/** What is drawn under the pointer while a kind is dragged. */
export function PaletteGhost({ kind }: { kind: string }) {
  const face = useDesigner((state) => state.catalogue.of(kind));
  const Icon = iconOf(face?.icon ?? "");
  return (
    <div className="flex h-9 w-44 translate-x-4 translate-y-5 items-center gap-2.5 rounded-card border border-accent-solid bg-surface px-3 font-medium opacity-90 shadow-(--shadow-float)">
      <Icon size={16} aria-hidden className={hues[familyOf(kind, face?.group)]} />
      <span className="truncate">{titleOfKind(kind)}</span>
    </div>
  );
}

/** Behind the selected step, on its first open port or its first arrow; freely where nothing is selected. */
export function addAfterSelection(store: DesignerStore, face: StepKindFace): void {
  const state = store.getState();
  const { doc, selection } = state.drawing;
  const step = stepOf(doc, state.cursor ?? selection[selection.length - 1] ?? "");
  const ports = step ? orderedPorts(step, state.catalogue.portsOf) : [];
  const port = ports.find((one) => step?.next?.[one] === undefined) ?? ports[0];
  const seed = { kind: face.kind, settings: seedSettings(face) };
  const after = step && port !== undefined && !isEntry(face.kind) ? { step: step.id, port } : null;
  state.perform(after ? { op: "add_after", seed, port: after } : { op: "add", seed });
  state.show({ panel: "inspector" });
  state.say(t("journeys.canvas.said_added", { step: titleOfKind(face.kind) }));
}
