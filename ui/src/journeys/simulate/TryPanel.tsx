import {
  ChevronLeft,
  ChevronRight,
  Clock,
  Flag,
  Footprints,
  LogIn,
  LogOut,
  Mail,
  PencilLine,
  Sparkles,
} from "lucide-react";
import { useRef, useState } from "react";
import { query, useRead } from "@/api/client";
import type { ContactId } from "@/api/gen/ContactId";
import type { Fact } from "@/api/gen/Fact";
import type { Trial } from "@/api/gen/Trial";
import { Button, cx, Field, IconButton, Note, sayError } from "@/design";
import { count, moment } from "@/format";
import { t } from "@/i18n";
import { ContactPicker } from "@/shell/contact-picker";
import { stepOf } from "../drawing";
import { useDesigner, useDesignerStore } from "../state";
import { portName, titleOf } from "../summary";
import { evidenceText, factText } from "./facts";
import { PartlyFixed } from "./PartlyFixed";
import { litOf } from "./report";
import { useLightOff } from "./SimulatePanel";

/** One contact through the draft: every step with its reasons, its way lit on the canvas. */
export function TryPanel() {
  const store = useDesignerStore();
  const [contact, setContact] = useState<ContactId | null>(null);
  const [trial, setTrial] = useState<Trial | null>(null);
  const [at, setAt] = useState(0);
  const [running, setRunning] = useState(false);
  const chosen = useRead("contacts.get", { id: contact ?? 0 }, { enabled: contact !== null });
  useLightOff();
  const facts = trial?.facts ?? null;
  const go = (next: number, of: readonly Fact[] = facts ?? []) => {
    if (of.length === 0) return;
    const index = Math.max(0, Math.min(of.length - 1, next));
    setAt(index);
    const state = store.getState();
    state.show({ lit: litOf(state.drawing.doc, of, index), cursor: of[index]?.step ?? state.cursor });
  };
  const run = async () => {
    if (contact === null) return;
    setRunning(true);
    try {
      const { drawing, id } = store.getState();
      const next = await query("journeys.try", { id, document: drawing.doc, contact, days: 365 });
      setTrial(next);
      go(next.facts.length - 1, next.facts);
    } catch (thrown) {
      sayError(thrown);
    } finally {
      setRunning(false);
    }
  };
  return (
    <div>
      <Field label={t("journeys.try.pick")}>
        <ContactPicker
          value={contact}
          onChange={(next) => {
            setContact(next);
            setTrial(null);
            store.getState().show({ lit: null });
          }}
          label={t("journeys.try.pick")}
        />
      </Field>
      <Button
        icon={Footprints}
        className="mt-3 w-full"
        busy={running}
        disabled={contact === null}
        onClick={() => void run()}
      >
        {t("journeys.try.run")}
      </Button>
      {trial && <PartlyFixed scores={trial.partly_fixed_scores} segments={trial.ranked_segments} />}
      {facts?.length === 0 && (
        <div className="mt-4">
          <Note tone="info">{t("journeys.try.refused", { email: chosen.data?.contact.email ?? "" })}</Note>
        </div>
      )}
      {facts && facts.length > 0 && <Way facts={facts} at={at} onGo={go} />}
    </div>
  );
}

/** Going on by the only way there is needs no line of its own. */
function telling(fact: Fact, ports: number): boolean {
  return fact.fact !== "left" || ports > 1 || (fact.because?.length ?? 0) > 0;
}

function Way({ facts, at, onGo }: { facts: readonly Fact[]; at: number; onGo: (at: number) => void }) {
  const doc = useDesigner((state) => state.drawing.doc);
  const catalogue = useDesigner((state) => state.catalogue);
  const list = useRef<HTMLOListElement>(null);
  const lines = facts.flatMap((fact, index) => {
    const step = stepOf(doc, fact.step);
    return telling(fact, step ? catalogue.portsOf(step).length : 0) ? [{ fact, index }] : [];
  });
  // The line that tells of where one is: itself, or the one before a way that needs no words.
  const here = lines.reduce((found, line, row) => (line.index <= at ? row : found), 0);
  const go = (row: number) => {
    const next = lines[row + 1];
    // What leads to the next line is lit with it.
    onGo(row < 0 || !lines[row] ? 0 : next ? Math.max(lines[row].index, next.index - 1) : facts.length - 1);
    list.current?.children[row]?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <div className="mt-4 flex items-center gap-1">
        <IconButton
          icon={ChevronLeft}
          label={t("journeys.try.back")}
          disabled={here === 0}
          onClick={() => go(here - 1)}
        />
        <span className="figures flex-1 text-center text-ink-3 text-table">
          {t("journeys.try.step_of", { at: count(here + 1), count: count(lines.length) })}
        </span>
        <IconButton
          icon={ChevronRight}
          label={t("journeys.try.next")}
          disabled={here === lines.length - 1}
          onClick={() => go(here + 1)}
        />
      </div>
      <ol ref={list} className="-mx-2 mt-1">
        {lines.map(({ fact }, row) => (
          <li key={row}>
            {fact.at !== lines[row - 1]?.fact.at && (
              <time className="figures block px-2 pt-2 pb-0.5 text-ink-3 text-meta" dateTime={fact.at}>
                {moment(fact.at)}
              </time>
            )}
            <Line fact={fact} chosen={row === here} ahead={row > here} onClick={() => go(row)} />
          </li>
        ))}
      </ol>
    </>
  );
}

const ICON = {
  entered: LogIn,
  waiting: Clock,
  left: ChevronRight,
  did: PencilLine,
  learned: Mail,
  ended: LogOut,
} as const;

function Line({ fact, chosen, ahead, onClick }: { fact: Fact; chosen: boolean; ahead: boolean; onClick: () => void }) {
  const doc = useDesigner((state) => state.drawing.doc);
  const nameOf = (id: string) => {
    const step = stepOf(doc, id);
    return step ? titleOf(step) : id;
  };
  const step = stepOf(doc, fact.step);
  const goal = fact.fact === "ended" && fact.end.end === "goal";
  const Icon = goal ? Flag : (ICON[fact.fact] ?? Sparkles);
  const because = fact.fact === "left" ? (fact.because ?? []) : [];
  const port = fact.fact === "left" && step ? portName(step, fact.port) : "";
  return (
    <button
      type="button"
      aria-current={chosen || undefined}
      onClick={onClick}
      className={cx(
        "flex w-full items-start gap-2.5 rounded-control px-2 py-1.5 text-left hover:bg-hover",
        chosen && "bg-selected",
        ahead && "opacity-55",
      )}
    >
      <Icon
        size={16}
        aria-hidden
        className={cx("mt-0.5 shrink-0", fact.fact === "ended" ? "text-live" : "text-ink-3")}
      />
      <span className="min-w-0 flex-1">
        <span className={cx("block break-words", fact.fact === "entered" && "font-medium")}>
          {factText(fact, nameOf, port)}
        </span>
        {because.map((evidence, at) => (
          <span key={at} className="block break-words text-ink-2 text-table">
            {t("journeys.try.because")} {evidenceText(evidence)}
          </span>
        ))}
      </span>
    </button>
  );
}
