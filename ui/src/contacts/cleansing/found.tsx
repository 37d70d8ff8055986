import { Link } from "@tanstack/react-router";
import { CheckCheck, Sparkles } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useRead } from "@/api/client";
import type { CleansingApplied } from "@/api/gen/CleansingApplied";
import type { CleansingFound } from "@/api/gen/CleansingFound";
import type { CleansingRule } from "@/api/gen/CleansingRule";
import { Button, CheckBox, cx, EmptyState, ErrorView, Note, SkeletonLines, SplitPane } from "@/design";
import { ago, count } from "@/format";
import { t } from "@/i18n";
import { useNow } from "@/shell/now";
import { Changes } from "./changes";
import type { Work } from "./work";

/** What the last search found, to be accepted or not. */
export function Found({ found, work }: { found: CleansingFound | null; work: Work }) {
  if (found !== null && found.contacts > 0) return <Choose key={found.run} found={found} work={work} />;
  const state = found === null ? "empty" : "clean";
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Told work={work} />
      <EmptyState
        icon={found === null ? Sparkles : CheckCheck}
        title={t(`contacts.cleansing.${state}.title`)}
        about={t(`contacts.cleansing.${state}.about`)}
      />
    </div>
  );
}

/** Contacts on a page of changes. */
const PAGE = 50;

function Choose({ found, work }: { found: CleansingFound; work: Work }) {
  const all = found.rules.map((each) => each.rule);
  const [out, setOut] = useState<ReadonlySet<CleansingRule>>(new Set());
  const [only, setOnly] = useState<CleansingRule | null>(null);
  const [offset, setOffset] = useState(0);
  const [refused, setRefused] = useState<ReadonlyMap<string, { contact: number; key: string }>>(new Map());
  const rules = all.filter((rule) => !out.has(rule));
  const page = useRead("cleansing.page", { rules, only, offset, limit: PAGE }, { keep: true });
  if (page.isError) return <ErrorView error={page.error} onRetry={() => void page.refetch()} />;
  if (page.data === undefined) return <SkeletonLines lines={10} />;
  const { rows, total, accepted } = page.data;
  const look = (rule: CleansingRule | null) => {
    setOnly(rule);
    setOffset(0);
  };
  const refuse = (contact: number, key: string, no: boolean) => {
    const next = new Map(refused);
    if (no) next.set(`${contact}:${key}`, { contact, key });
    else next.delete(`${contact}:${key}`);
    setRefused(next);
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Told work={work} />
      <SplitPane
        label={t("contacts.cleansing.rules_label")}
        remember="cleansing"
        sized="first"
        initial={320}
        first={
          <RuleList
            found={found}
            out={out}
            only={only}
            onLook={look}
            onAccept={(rule, yes) => {
              const next = new Set(out);
              if (yes) next.delete(rule);
              else next.add(rule);
              setOut(next);
              setOffset(0);
            }}
          />
        }
        second={
          <div className="flex min-h-0 flex-1 flex-col">
            <Changes rows={rows} out={only !== null && out.has(only)} refused={refused} onRefuse={refuse} />
            <Pages offset={offset} total={total} onGo={setOffset} />
          </div>
        }
      />
      <footer className="flex shrink-0 items-center gap-3 border-line-subtle border-t px-6 py-3">
        <p className="min-w-0 flex-1 truncate text-ink-2">
          {refused.size > 0 ? t("contacts.cleansing.refused", { n: refused.size }) : t("contacts.cleansing.undoable")}
        </p>
        <Button
          look="primary"
          icon={CheckCheck}
          disabled={accepted === 0}
          busy={work.busy}
          onClick={() => work.apply({ run: found.run, rules, except: [...refused.values()] })}
        >
          {t("contacts.cleansing.apply", { n: accepted })}
        </Button>
      </footer>
    </div>
  );
}

interface RuleListProps {
  found: CleansingFound;
  out: ReadonlySet<CleansingRule>;
  only: CleansingRule | null;
  onLook: (rule: CleansingRule | null) => void;
  onAccept: (rule: CleansingRule, yes: boolean) => void;
}

function RuleList({ found, out, only, onLook, onAccept }: RuleListProps) {
  const now = useNow();
  return (
    <div className="min-h-0 flex-1 overflow-auto">
      <p className="px-4 py-2 text-ink-3 text-table">
        {t("contacts.cleansing.looked_at", {
          n: count(found.contacts),
          all: found.looked_at,
          at: ago(found.at, now),
        })}
      </p>
      <ul aria-label={t("contacts.cleansing.rules_label")}>
        <RuleRow current={only === null} onLook={() => onLook(null)}>
          <span className="min-w-0 flex-1 py-0.5 pl-8 font-medium">{t("contacts.cleansing.all_rules")}</span>
        </RuleRow>
        {found.rules.map(({ rule, values, fields }) => (
          <RuleRow
            key={rule}
            current={only === rule}
            onLook={() => onLook(rule)}
            box={
              <CheckBox
                checked={!out.has(rule)}
                onChange={(yes) => onAccept(rule, yes)}
                label={t("contacts.cleansing.accept_rule", { rule: t(`contacts.cleansing.rules.${rule}`) })}
              />
            }
          >
            <span className="min-w-0 flex-1 pl-8">
              <span className={cx("block font-medium", out.has(rule) && "text-ink-3")}>
                {t(`contacts.cleansing.rules.${rule}`)}
              </span>
              <span className="block truncate text-ink-3 text-table">
                {fields.map((field) => `${field.label} ${count(field.values)}`).join(" · ")}
              </span>
            </span>
            <span className="figures shrink-0 text-ink-2 text-table">{count(values)}</span>
          </RuleRow>
        ))}
      </ul>
    </div>
  );
}

interface RuleRowProps {
  current: boolean;
  onLook: () => void;
  /** The box that accepts the rule: beside the button, not inside it. */
  box?: ReactNode;
  children: ReactNode;
}

function RuleRow({ current, onLook, box, children }: RuleRowProps) {
  return (
    <li className="relative border-line-subtle border-b">
      {box !== undefined && <span className="absolute top-3 left-4 z-10 flex h-4 items-center">{box}</span>}
      <button
        type="button"
        aria-current={current || undefined}
        onClick={onLook}
        className={cx(
          "ring-inside flex w-full items-center gap-3 px-4 py-2 text-left",
          current ? "bg-selected" : "hover:bg-hover",
        )}
      >
        {children}
      </button>
    </li>
  );
}

function Pages({ offset, total, onGo }: { offset: number; total: number; onGo: (offset: number) => void }) {
  if (total <= PAGE) return null;
  const last = Math.min(total, offset + PAGE);
  return (
    <div className="flex shrink-0 items-center gap-3 border-line-subtle border-t px-4 py-2">
      <span className="figures flex-1 text-ink-3 text-table">
        {t("contacts.cleansing.page", {
          first: count(offset + 1),
          last: count(last),
          total: count(total),
        })}
      </span>
      <Button disabled={offset === 0} onClick={() => onGo(Math.max(0, offset - PAGE))}>
        {t("contacts.cleansing.earlier")}
      </Button>
      <Button disabled={last >= total} onClick={() => onGo(offset + PAGE)}>
        {t("contacts.cleansing.later")}
      </Button>
    </div>
  );
}

/** What an application could not do, or did that somebody has to know. */
function Told({ work }: { work: Work }) {
  const { told } = work;
  if (told === null) return null;
  return (
    <div className="px-6 pb-3">
      <Note
        tone="warn"
        title={t("contacts.cleansing.told")}
        actions={<Button onClick={work.hear}>{t("contacts.cleansing.understood")}</Button>}
      >
        {told.suppressed > 0 && <p>{t("contacts.cleansing.told_suppressed", { n: told.suppressed })}</p>}
        {told.changed_since > 0 && <p>{t("contacts.cleansing.told_changed", { n: told.changed_since })}</p>}
        {told.taken_total > 0 && <Taken told={told} />}
      </Note>
    </div>
  );
}

/** So many are named; the others are counted. */
const NAMED = 5;

function Taken({ told }: { told: CleansingApplied }) {
  const contact = (id: number, email: string) => (
    <Link
      to="/contacts/$contact"
      params={{ contact: String(id) }}
      className="underline decoration-line-control underline-offset-2 hover:text-accent-text"
    >
      {email}
    </Link>
  );
  return (
    <>
      <p>{t("contacts.cleansing.told_taken", { n: told.taken_total })}</p>
      <ul className="list-disc pl-5">
        {told.taken.slice(0, NAMED).map((each) => (
          <li key={each.contact}>
            {contact(each.contact, each.email)} → {contact(each.other, each.wanted)}
          </li>
        ))}
      </ul>
      {told.taken_total > NAMED && <p>{t("contacts.cleansing.told_more", { n: told.taken_total - NAMED })}</p>}
      <p>
        <Link
          to="/contacts/duplicates"
          className="underline decoration-line-control underline-offset-2 hover:text-accent-text"
        >
          {t("contacts.cleansing.to_duplicates")}
        </Link>
      </p>
    </>
  );
}
