import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, type Ref, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState } from "react";
import type { WorldMailRow } from "@/api/gen/WorldMailRow";
import { Button, cx, ErrorNote, Skeleton } from "@/design";
import { type Geometry, revealRow, visibleRows } from "@/design/scroller";
import { ago, moment } from "@/format";
import { t } from "@/i18n";
import { Persona, Signs } from "./answers";
import { type Mails, PAGE } from "./mails";

/** Height of a mail in the list, in CSS pixels. */
const ROW = 60;
/** How near to the end older mails are asked for, in rows. */
const NEAR = 10;

/** Whom one speaks of: the name the address suggests, else the address. */
export const nameOf = ({ name, to }: Pick<WorldMailRow, "name" | "to">): string => (name === "" ? to : name);

export interface MailListHandle {
  focus: () => void;
}

/**
 * Mails, newest first. The list is one stop of the Tab key; arrows, Page Up and Down, Home and End choose a mail, Enter
 * goes into it.
 */
export function MailList({
  list,
  chosen,
  onChoose,
  onEnter,
  now,
  ref,
}: {
  list: Mails;
  chosen: number | undefined;
  onChoose: (mail: WorldMailRow) => void;
  onEnter: () => void;
  now: string;
  ref?: Ref<MailListHandle>;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(600);
  const [top, setTop] = useState(0);
  const geometry: Geometry = { rows: list.rows, rowHeight: ROW, view };
  const { first, end } = visibleRows(Math.min(top, Math.max(0, list.rows * ROW - view)), geometry);
  const { onRange, loadMore } = list;
  const near = list.more && !list.loading && list.error === null && top > 0 && end >= list.rows - NEAR;
  useImperativeHandle(ref, () => ({ focus: () => box.current?.focus() }));
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => setView(element.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => onRange(first, end), [first, end, onRange]);
  useEffect(() => {
    if (near) loadMore();
  }, [near, loadMore]);

  const choose = (index: number) => {
    const place = Math.min(list.rows - 1, Math.max(0, index));
    const mail = list.rowAt(place);
    const to = revealRow(place, top, geometry);
    if (box.current !== null && to !== top) box.current.scrollTop = to;
    if (mail !== undefined) onChoose(mail);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== box.current) return;
    const here = chosen === undefined ? -1 : list.indexOf(chosen);
    const page = Math.max(1, Math.floor(view / ROW) - 1);
    // From nowhere, the first arrow chooses what is seen first.
    const from = here < 0 ? Math.ceil(top / ROW) - 1 : here;
    const moves: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: here < 0 ? from + 1 : from - 1,
      PageDown: from + page,
      PageUp: from - page,
      Home: 0,
      End: list.rows - 1,
    };
    const target = moves[event.key];
    if (target !== undefined) {
      event.preventDefault();
      choose(target);
    } else if (event.key === "Enter" && chosen !== undefined) {
      event.preventDefault();
      onEnter();
    }
  };

  const slots = Array.from({ length: Math.max(0, end - first) }, (_, n) => ({
    index: first + n,
    mail: list.rowAt(first + n),
  }));
  const current = slots.find(({ mail }) => mail !== undefined && mail.id === chosen);
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      {list.fresh > 0 && (
        <div className="absolute inset-x-0 top-2 z-10 flex justify-center">
          <Button
            look="primary"
            icon={ArrowUp}
            onClick={() => {
              list.follow();
              setTop(0);
              if (box.current !== null) box.current.scrollTop = 0;
              box.current?.focus();
            }}
          >
            {list.fresh >= PAGE ? t("world.fresh_many", { n: PAGE }) : t("world.fresh", { n: list.fresh })}
          </Button>
        </div>
      )}
      <div
        ref={box}
        role="grid"
        aria-label={t("world.list")}
        aria-rowcount={list.found ?? -1}
        aria-busy={list.found === undefined}
        aria-activedescendant={current === undefined ? undefined : `mail-${current.mail?.id}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onScroll={(event) => {
          const next = event.currentTarget.scrollTop;
          setTop(next);
          if (next > ROW) list.hold();
          else if (next === 0) list.follow();
        }}
        className={cx(
          "group/mails relative min-h-0 flex-1 overflow-y-auto overflow-x-hidden",
          current === undefined ? "ring-inside" : "outline-none",
        )}
      >
        <div role="rowgroup" className="relative" style={{ height: list.rows * ROW }}>
          {slots.map(({ index, mail }) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the keys.
            // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names the row.
            <div
              key={mail?.id ?? `slot-${index}`}
              id={mail === undefined ? undefined : `mail-${mail.id}`}
              role="row"
              aria-rowindex={index + 1}
              aria-selected={mail !== undefined && mail.id === chosen}
              onClick={() => mail !== undefined && onChoose(mail)}
              style={{ top: index * ROW, height: ROW }}
              className={cx(
                "absolute inset-x-0 flex flex-col justify-center border-line-subtle border-b px-4 [contain:layout_paint]",
                mail !== undefined && mail.id === chosen
                  ? "bg-selected group-focus-visible/mails:outline-2 group-focus-visible/mails:outline-focus group-focus-visible/mails:-outline-offset-2"
                  : "hover:bg-hover",
              )}
            >
              {mail === undefined ? <Waiting /> : <Row mail={mail} now={now} />}
            </div>
          ))}
        </div>
        <Foot list={list} />
      </div>
    </div>
  );
}

function Row({ mail, now }: { mail: WorldMailRow; now: string }) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names the row.
    <div role="gridcell" className="min-w-0">
      <p className="flex items-center gap-2">
        <span className="min-w-0 truncate font-medium" title={mail.to}>
          {nameOf(mail)}
        </span>
        <Persona of={mail.persona} />
        <span className="flex-1" />
        <time
          dateTime={mail.received_at}
          title={moment(mail.received_at)}
          className="figures shrink-0 text-ink-3 text-meta"
        >
          {ago(mail.received_at, now)}
        </time>
      </p>
      <p className="mt-0.5 flex items-center gap-3">
        <span className="min-w-0 flex-1 truncate text-ink-2">
          {mail.subject === "" ? t("world.no_subject") : mail.subject}
        </span>
        <Signs answers={mail.answers} />
      </p>
    </div>
  );
}

function Waiting() {
  return (
    <div className="space-y-2">
      <Skeleton className="h-3.5 w-2/5" />
      <Skeleton className="h-3 w-3/4" />
    </div>
  );
}

/** What stands below the last mail: the way to older ones, or what kept them away. */
function Foot({ list }: { list: Mails }) {
  if (list.error !== null)
    return (
      <div className="p-3">
        <ErrorNote error={list.error} onRetry={list.refetch} />
      </div>
    );
  if (list.loading)
    return (
      <div aria-busy="true">
        {Array.from({ length: list.rows === 0 ? 8 : 1 }, (_, row) => (
          <div key={row} className="flex h-15 flex-col justify-center px-4">
            <Waiting />
          </div>
        ))}
      </div>
    );
  if (!list.more) return null;
  return (
    <div className="flex justify-center p-3">
      <Button onClick={list.loadMore}>{t("world.more")}</Button>
    </div>
  );
}
