import { Unlink } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { StepKindFace } from "@/api/gen/StepKindFace";
import { cx, SearchInput } from "@/design";
import { t } from "@/i18n";
import { seedSettings } from "../catalogue";
import { stepOf } from "../drawing";
import { familyOf } from "../families";
import { iconOf } from "../icons";
import { findKinds } from "../palette/find";
import { type QuickAdd, useDesigner, useDesignerStore } from "../state";
import { titleOf, titleOfKind } from "../summary";
import { hues } from "./StepCard";

/** A choice of steps at the pointer or the step: type, arrows, Enter. */
export function QuickAddMenu() {
  const quickAdd = useDesigner((state) => state.quickAdd);
  if (!quickAdd) return null;
  return <Choice key={`${quickAdd.x} ${quickAdd.y} ${quickAdd.port?.step} ${quickAdd.port?.port}`} at={quickAdd} />;
}

const WIDTH = 264;
const HEIGHT = 344;

function Choice({ at }: { at: QuickAdd }) {
  const store = useDesignerStore();
  const catalogue = useDesigner((state) => state.catalogue);
  const doc = useDesigner((state) => state.drawing.doc);
  const [search, setSearch] = useState("");
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const from = at.port && stepOf(doc, at.port.step);
  const found = findKinds(catalogue.faces, search).filter((face) => at.port === null || face.group !== "entries");
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      if (!panel.current?.contains(event.target as Node)) store.getState().show({ quickAdd: null });
    };
    // After the press that opened it.
    const timer = setTimeout(() => document.addEventListener("pointerdown", outside));
    return () => {
      clearTimeout(timer);
      document.removeEventListener("pointerdown", outside);
    };
  }, [store]);
  useEffect(() => {
    panel.current?.querySelector(`[data-at="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [active]);

  const close = () => {
    store.getState().show({ quickAdd: null });
    store.getState().canvas?.focus();
  };
  const add = (face: StepKindFace) => {
    const state = store.getState();
    const seed = { kind: face.kind, settings: seedSettings(face) };
    state.perform(at.port ? { op: "add_after", seed, port: at.port } : { op: "add", seed });
    state.show({ quickAdd: null, panel: "inspector" });
    state.say(t("journeys.canvas.said_added", { step: titleOfKind(face.kind) }));
    state.canvas?.focus();
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    event.stopPropagation();
    if (event.key === "Escape") close();
    else if (event.key === "ArrowDown") setActive((one) => Math.min(found.length - 1, one + 1));
    else if (event.key === "ArrowUp") setActive((one) => Math.max(0, one - 1));
    else if (event.key === "Enter") {
      const face = found[active];
      if (face) add(face);
    } else return;
    event.preventDefault();
  };
  const room = panel.current?.parentElement;
  const width = room?.clientWidth ?? 10_000;
  const height = room?.clientHeight ?? 10_000;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the field and the list inside are heard here.
    <div
      ref={(element) => {
        panel.current = element;
        const frame = element?.parentElement;
        if (!element || !frame) return;
        element.style.left = `${Math.max(8, Math.min(at.x - WIDTH / 2, frame.clientWidth - WIDTH - 8))}px`;
        element.style.top = `${Math.max(8, Math.min(at.y + 8, frame.clientHeight - HEIGHT - 8))}px`;
      }}
      className="absolute z-10 flex flex-col overflow-hidden rounded-menu border border-line-default bg-surface shadow-(--shadow-float)"
      style={{ width: Math.min(WIDTH, width), maxHeight: Math.min(HEIGHT, height - 16) }}
      onKeyDown={onKeyDown}
    >
      <div className="border-line-subtle border-b p-2">
        <SearchInput
          ref={input}
          value={search}
          onChange={(words) => {
            setSearch(words);
            setActive(0);
          }}
          label={from ? t("journeys.palette.add_after", { step: titleOf(from) }) : t("journeys.palette.search")}
        />
      </div>
      <ul className="min-h-0 flex-1 overflow-auto p-1">
        {found.map((face, index) => {
          const Icon = iconOf(face.icon);
          return (
            <li key={face.kind}>
              <button
                type="button"
                data-at={index}
                tabIndex={-1}
                aria-current={index === active || undefined}
                className={cx(
                  "flex h-8 w-full items-center gap-2.5 rounded-control px-2 text-left",
                  index === active && "bg-hover",
                )}
                onMouseMove={() => setActive(index)}
                onClick={() => add(face)}
              >
                <Icon size={16} aria-hidden className={cx("shrink-0", hues[familyOf(face.kind, face.group)])} />
                <span className="min-w-0 flex-1 truncate">{titleOfKind(face.kind)}</span>
                <span className="text-ink-3 text-meta">{t(`journeys.group.${face.group}`)}</span>
              </button>
            </li>
          );
        })}
        {found.length === 0 && <li className="px-2 py-1.5 text-ink-3">{t("journeys.palette.none", { search })}</li>}
      </ul>
      {at.arrow && at.port && (
        <button
          type="button"
          className="flex h-9 items-center gap-2.5 border-line-subtle border-t px-3 text-ink-2 hover:bg-hover"
          onClick={() => {
            if (at.port) store.getState().perform({ op: "disconnect", port: at.port });
            close();
          }}
        >
          <Unlink size={16} aria-hidden className="text-ink-3" />
          {t("journeys.menu.disconnect")}
        </button>
      )}
    </div>
  );
}
