import { Link } from "@tanstack/react-router";
import { Merge, SkipForward, Users } from "lucide-react";
import { useEffect, useState } from "react";
import { mutate, useRead, useWrite } from "@/api/client";
import type { DuplicateField } from "@/api/gen/DuplicateField";
import type { DuplicateShown } from "@/api/gen/DuplicateShown";
import type { DuplicateSide } from "@/api/gen/DuplicateSide";
import type { DuplicateValue } from "@/api/gen/DuplicateValue";
import type { MatchEvidence } from "@/api/gen/MatchEvidence";
import { Badge, Button, cx, ErrorView, Kbd, SkeletonLines, say, sayError } from "@/design";
import { day, percent, value } from "@/format";
import { t } from "@/i18n";
import { inFront, typing } from "@/shell/keys";
import { sourceText } from "@/shell/timeline";
import { finding, strength, told } from "./evidence";

interface PairProps {
  a: number;
  b: number;
  onDone: () => void;
  onSkip: () => void;
  onGo: (by: number) => void;
}

/** What was decided last, to be taken back by a key: it outlives the pair, which is gone by then. */
let takeBack: (() => void) | null = null;

/** Two contacts side by side, and what is to become of them. */
export function Pair({ a, b, onDone, onSkip, onGo }: PairProps) {
  const shown = useRead("duplicates.show", { a, b });
  if (shown.isError) return <ErrorView error={shown.error} onRetry={() => void shown.refetch()} />;
  if (shown.data === undefined) return <SkeletonLines lines={10} />;
  return <Decide of={shown.data} onDone={onDone} onSkip={onSkip} onGo={onGo} />;
}

function undoable(text: string, run: () => Promise<unknown>): void {
  takeBack = () => {
    takeBack = null;
    run().catch(sayError);
  };
  say(text, { label: t("contacts.duplicates.undo"), run: () => takeBack?.() });
}

function Decide({ of, onDone, onSkip, onGo }: Omit<PairProps, "a" | "b"> & { of: DuplicateShown }) {
  const [survivor, setSurvivor] = useState(of.survivor);
  const [picked, setPicked] = useState<Readonly<Record<string, number>>>({});
  const [stays, goes] = survivor === of.a.id ? [of.a, of.b] : [of.b, of.a];
  const whose = (field: DuplicateField) => picked[field.key] ?? (survivor === of.a.id ? field.if_a : field.if_b);
  const merge = useWrite("duplicates.merge", {
    onSuccess: ({ id }) => {
      onDone();
      undoable(t("contacts.duplicates.merged", { alias: goes.email, email: stays.email }), () =>
        mutate("duplicates.unmerge", { id }),
      );
    },
    onError: sayError,
  });
  const different = useWrite("duplicates.say", {
    onSuccess: () => {
      onDone();
      undoable(t("contacts.duplicates.said_different"), () =>
        mutate("duplicates.say", { a: of.a.id, b: of.b.id, different: false }),
      );
    },
    onError: sayError,
  });
  const busy = merge.isPending || different.isPending;
  const decide = {
    m: () => {
      const take = of.fields.filter((field) => !field.same && whose(field) === goes.id).map((field) => field.key);
      merge.mutate({ survivor: stays.id, absorbed: goes.id, take, stamp: of.stamp });
    },
    d: () => different.mutate({ a: of.a.id, b: of.b.id, different: true }),
    s: onSkip,
    u: () => takeBack?.(),
    arrowdown: () => onGo(1),
    arrowup: () => onGo(-1),
  };
  useKeys(decide, busy);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="min-h-0 flex-1 overflow-auto px-6 py-4">
        <div className="max-w-240 space-y-6">
          <Why of={of} />
          <table className="w-full table-fixed border-collapse text-left">
            <thead>
              <tr className="align-top">
                <th scope="col" className="w-40 py-2 pr-3 font-normal text-ink-3 text-table">
                  <span className="sr-only">{t("contacts.duplicates.field")}</span>
                </th>
                {[of.a, of.b].map((side) => (
                  <th key={side.id} scope="col" className="px-3 py-2 font-normal">
                    <Side side={side} stays={side.id === survivor} onStay={() => setSurvivor(side.id)} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {of.fields.map((field) => (
                <Field
                  key={field.key}
                  field={field}
                  sides={[of.a, of.b]}
                  whose={whose(field)}
                  onPick={(id) => setPicked({ ...picked, [field.key]: id })}
                />
              ))}
            </tbody>
          </table>
          <p className="text-ink-2">{t("contacts.duplicates.keeps", { alias: goes.email, email: stays.email })}</p>
          {goes.journeys > 0 && (
            <p className="text-warn">
              <span className="font-medium">{goes.email}</span>:{" "}
              {t("contacts.duplicates.in_journeys", { n: goes.journeys })}
            </p>
          )}
        </div>
      </div>
      <footer className="flex shrink-0 flex-wrap items-center gap-2 border-line-subtle border-t px-6 py-3">
        <Button look="primary" icon={Merge} busy={merge.isPending} disabled={busy} onClick={decide.m}>
          {t("contacts.duplicates.merge")}
          <Kbd keys="M" />
        </Button>
        <Button icon={Users} busy={different.isPending} disabled={busy} onClick={decide.d}>
          {t("contacts.duplicates.different")}
          <Kbd keys="D" />
        </Button>
        <Button look="quiet" icon={SkipForward} onClick={onSkip}>
          {t("contacts.duplicates.skip")}
          <Kbd keys="S" />
        </Button>
        <p className="min-w-0 flex-1 truncate text-right text-ink-3 text-meta">{t("contacts.duplicates.keys")}</p>
      </footer>
    </div>
  );
}

function useKeys(decide: Readonly<Record<string, () => void>>, busy: boolean): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || typing(event.target) || inFront(event.target)) return;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      // Arrows choose among the values of a field while one of them has the focus.
      if (event.target instanceof Element && event.target.closest("[role='radio'], [role='tab']") !== null) {
        if (event.key.startsWith("Arrow")) return;
      }
      const run = decide[event.key.toLowerCase()];
      if (run === undefined || busy) return;
      event.preventDefault();
      run();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [decide, busy]);
}

function Why({ of }: { of: DuplicateShown }) {
  const label = (key: string) =>
    key === "email" ? t("contacts.columns.email") : (of.fields.find((field) => field.key === key)?.label ?? key);
  const most = Math.max(8, ...of.evidence.map((each) => Math.abs(each.bits)));
  return (
    <section aria-label={t("contacts.duplicates.evidence")}>
      <h2 className="font-semibold text-section">
        {t("contacts.duplicates.evidence")}
        {of.probability !== null && (
          <span className="figures ml-2 font-normal text-ink-2">{percent(of.probability)}</span>
        )}
      </h2>
      {of.same.map((key) => (
        <p key={key} className="mt-1 font-medium">
          {t(`contacts.duplicates.same_keys.${key}`)}
        </p>
      ))}
      {of.evidence.length === 0 ? (
        <p className="mt-1 text-ink-2">{t("contacts.duplicates.no_search")}</p>
      ) : (
        <>
          <p className="mt-1 text-ink-3 text-table">{t("contacts.duplicates.evidence_about")}</p>
          <ul className="mt-2 space-y-1">
            {told(of.evidence).map((each) => (
              <Weight key={`${each.about} ${each.key ?? ""}`} of={each} most={most} label={label} />
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Weight({ of, most, label }: { of: MatchEvidence; most: number; label: (key: string) => string }) {
  const share = `${(Math.min(1, Math.abs(of.bits) / most) * 50).toFixed(1)}%`;
  return (
    <li className="flex items-center gap-3">
      <span aria-hidden className="relative h-3 w-40 shrink-0 rounded-[2px] bg-sunken">
        <span
          className={cx(
            "absolute inset-y-0 rounded-[2px]",
            of.bits >= 0 ? "left-1/2 bg-(--color-diverging-high)" : "right-1/2 bg-(--color-diverging-low)",
          )}
          style={{ width: share }}
        />
        <span className="absolute inset-y-0 left-1/2 w-px bg-line-control" />
      </span>
      <span className="min-w-0 flex-1 truncate">
        {finding(of, label)}:{" "}
        <span className="text-ink-2">{t(`contacts.duplicates.strength.${strength(of.bits)}`)}</span>
      </span>
    </li>
  );
}

function Side({ side, stays, onStay }: { side: DuplicateSide; stays: boolean; onStay: () => void }) {
  const state = side.suppressed ? "suppressed" : side.permitted ? "permitted" : "not_permitted";
  return (
    <div className="space-y-1">
      <Link
        to="/contacts/$contact"
        params={{ contact: String(side.id) }}
        className="block truncate font-semibold hover:text-accent-text"
      >
        {side.name === "" ? t("contacts.duplicates.nameless") : side.name}
      </Link>
      <p className="truncate text-ink-2">{side.email}</p>
      <p className="text-ink-3 text-table">
        {day(side.created_at)} · {t("contacts.duplicates.has", { events: side.events, messages: side.messages })}
      </p>
      {side.aliases.length > 0 && (
        <p className="text-ink-3 text-table">
          {t("contacts.duplicates.aliases", { addresses: side.aliases.join(", ") })}
        </p>
      )}
      <p className="flex flex-wrap items-center gap-2">
        <Badge tone={side.permitted ? "ok" : "warn"} dot>
          {t(`contacts.duplicates.${state}`)}
        </Badge>
        {side.tags.slice(0, 3).map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </p>
      <label className="flex h-8 w-fit cursor-pointer items-center gap-2">
        <input type="radio" name="survivor" className="accent-accent-solid" checked={stays} onChange={onStay} />
        {t("contacts.duplicates.stays")}
      </label>
    </div>
  );
}

interface FieldProps {
  field: DuplicateField;
  sides: readonly [DuplicateSide, DuplicateSide];
  whose: number;
  onPick: (id: number) => void;
}

function Field({ field, sides, whose, onPick }: FieldProps) {
  const values = [field.a, field.b];
  return (
    <tr className={cx("border-line-subtle border-t align-top", !field.same && "bg-sunken")}>
      <th scope="row" className="py-2 pr-3 pl-2 text-left font-normal text-ink-2">
        {field.label}
        {!field.same && <span className="ml-1.5 text-table text-warn">{t("contacts.duplicates.differs")}</span>}
      </th>
      {sides.map((side, i) => (
        <td key={side.id} className="px-3 py-2">
          <Value
            of={values[i] ?? null}
            name={field.key}
            label={t("contacts.duplicates.pick", { field: field.label, whom: side.email })}
            choice={!field.same && (values[i] ?? null) !== null}
            taken={field.same || whose === side.id}
            onPick={() => onPick(side.id)}
          />
        </td>
      ))}
    </tr>
  );
}

interface ValueProps {
  of: DuplicateValue | null;
  name: string;
  label: string;
  choice: boolean;
  taken: boolean;
  onPick: () => void;
}

function Value({ of, name, label, choice, taken, onPick }: ValueProps) {
  if (of === null) return <span className="text-ink-3">{t("contacts.duplicates.none")}</span>;
  const text = (
    <span className="min-w-0">
      <span className={cx("block break-words", taken && choice && "font-medium")}>{value(of.value)}</span>
      <span className="block text-ink-3 text-meta">{`${sourceText(of.source)} · ${day(of.at)}`}</span>
    </span>
  );
  if (!choice) return text;
  return (
    <label className="flex cursor-pointer items-start gap-2">
      <input
        type="radio"
        name={`pick-${name}`}
        aria-label={label}
        className="mt-1 accent-accent-solid"
        checked={taken}
        onChange={onPick}
      />
      {text}
    </label>
  );
}
