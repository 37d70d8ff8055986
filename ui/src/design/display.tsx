import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { cx } from "./cx";

export type Tone = "neutral" | "accent" | "ok" | "warn" | "bad" | "info" | "live";

const dots: Record<Tone, string> = {
  neutral: "bg-ink-3",
  accent: "bg-accent-solid",
  ok: "bg-ok",
  warn: "bg-warn",
  bad: "bg-bad",
  info: "bg-info",
  live: "bg-live",
};

const texts: Record<Tone, string> = {
  neutral: "text-ink-2",
  accent: "text-accent-text",
  ok: "text-ok",
  warn: "text-warn",
  bad: "text-bad",
  info: "text-info",
  live: "text-ink-1",
};

/** A word with a state's colour. The word says it; the dot only helps the eye. */
export function Badge({
  tone = "neutral",
  dot = false,
  children,
}: {
  tone?: Tone;
  dot?: boolean;
  children: ReactNode;
}) {
  return (
    <span
      className={cx(
        "inline-flex h-5 max-w-full items-center gap-1.5 truncate rounded-control border border-line-subtle bg-surface px-1.5 font-medium text-meta",
        texts[tone],
      )}
    >
      {dot && <span aria-hidden className={cx("size-1.5 shrink-0 rounded-full", dots[tone])} />}
      <span className="truncate">{children}</span>
    </span>
  );
}

/** A state in a table cell: dot and word without a box. */
export function StatusDot({ tone, children, pulse = false }: { tone: Tone; children: ReactNode; pulse?: boolean }) {
  return (
    <span className="inline-flex min-w-0 items-center gap-2">
      <span
        aria-hidden
        className={cx(
          "size-2 shrink-0 rounded-full",
          dots[tone],
          pulse && "animate-[breathe_1.6s_ease-in-out_infinite]",
        )}
      />
      <span className="truncate">{children}</span>
    </span>
  );
}

/** The shortcut of a verb. `keys` are joined by spaces: `"Ctrl K"`. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <span className="inline-flex gap-0.5" aria-hidden>
      {keys.split(" ").map((key) => (
        <kbd
          key={key}
          className="inline-flex h-4 min-w-4 items-center justify-center rounded-[3px] border border-line-default bg-sunken px-1 font-sans text-[10px] text-ink-2 leading-none"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}

/** Nothing here yet: one sentence and the way on. */
export function EmptyState({
  icon: Icon,
  title,
  about,
  children,
}: {
  icon: LucideIcon;
  title: string;
  about: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="flex h-full min-h-60 flex-col items-center justify-center p-8 text-center">
      <span className="mb-4 flex size-12 items-center justify-center rounded-card border border-line-subtle bg-surface text-ink-3">
        <Icon size={20} aria-hidden />
      </span>
      <h2 className="font-semibold text-section">{title}</h2>
      <p className="mt-1 max-w-100 text-balance text-ink-2">{about}</p>
      {children !== undefined && <div className="mt-5 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

/** Stands where words will be, after 300 ms of waiting. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span className="late block" aria-hidden>
      <span className={cx("skeleton block", className ?? "h-4 w-32")} />
    </span>
  );
}

/** Several lines of `Skeleton`. */
export function SkeletonLines({ lines = 6 }: { lines?: number }) {
  return (
    <div aria-busy="true" className="space-y-3 p-4">
      {Array.from({ length: lines }, (_, line) => (
        <Skeleton key={line} className={cx("h-4", ["w-3/4", "w-1/2", "w-2/3"][line % 3])} />
      ))}
    </div>
  );
}

/** A framed part of a page. */
export function Card({
  title,
  about,
  actions,
  children,
  className,
  flush = false,
}: {
  title?: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
  className?: string;
  /** The content reaches the frame: tables, lists. */
  flush?: boolean;
}) {
  return (
    <section className={cx("min-w-0 rounded-card border border-line-subtle bg-surface", className)}>
      {(title !== undefined || actions !== undefined) && (
        <header className="flex items-center gap-3 pt-3 pr-2 pb-2 pl-4">
          <div className="min-w-0 flex-1">
            <h2 className="truncate font-semibold text-body">{title}</h2>
            {about !== undefined && <p className="text-ink-2 text-table">{about}</p>}
          </div>
          {actions !== undefined && <div className="-my-1.5 flex shrink-0 items-center gap-1">{actions}</div>}
        </header>
      )}
      <div className={flush ? undefined : cx("px-4 pb-4", title === undefined && actions === undefined && "pt-4")}>
        {children}
      </div>
    </section>
  );
}

/** A pair of word and value in a list of facts. */
export function Facts({ items }: { items: { label: string; value: ReactNode; note?: ReactNode }[] }) {
  return (
    <dl className="divide-y divide-line-subtle">
      {items.map((item) => (
        <div key={item.label} className="grid grid-cols-[minmax(96px,2fr)_3fr] gap-3 py-1.5">
          <dt className="truncate text-ink-3">{item.label}</dt>
          <dd className="min-w-0">
            <div className="break-words">{item.value}</div>
            {item.note !== undefined && <div className="truncate text-ink-3 text-meta">{item.note}</div>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

const noteEdges: Record<Tone, string> = {
  neutral: "border-l-line-control",
  accent: "border-l-accent-solid",
  ok: "border-l-ok",
  warn: "border-l-warn",
  bad: "border-l-bad",
  info: "border-l-info",
  live: "border-l-live",
};

/** A sentence that has to be seen, with what to do about it. */
export function Note({
  tone = "info",
  title,
  children,
  actions,
}: {
  tone?: Tone;
  title?: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
}) {
  return (
    <div
      role={tone === "bad" ? "alert" : "note"}
      className={cx(
        "flex items-start gap-3 rounded-menu border border-line-subtle border-l-4 bg-surface px-3 py-2",
        noteEdges[tone],
      )}
    >
      <div className="min-w-0 flex-1">
        {title !== undefined && <p className="font-medium">{title}</p>}
        {children !== undefined && <div className="text-ink-2">{children}</div>}
      </div>
      {actions}
    </div>
  );
}

/** How far a long work is. `total` null: not known. */
export function Progress({ done, total, label }: { done: number; total: number | null; label: string }) {
  const share = total === null || total === 0 ? null : Math.min(1, done / total);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(share === null ? {} : { "aria-valuenow": Math.round(share * 100) })}
      className="h-1.5 overflow-hidden rounded-full bg-sunken"
    >
      <div
        className={cx(
          "h-full origin-left rounded-full bg-accent-solid transition-transform duration-[180ms]",
          share === null && "w-1/3 animate-[breathe_1.6s_ease-in-out_infinite]",
        )}
        style={share === null ? undefined : { transform: `scaleX(${share})` }}
      />
    </div>
  );
}

/** The head of a page: title, one line, verbs. */
export function PageHead({ title, about, children }: { title: ReactNode; about?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex min-h-14 shrink-0 items-center gap-3 px-6 py-3">
      <div className="min-w-0 flex-1">
        <h1 className="truncate font-semibold text-page">{title}</h1>
        {about !== undefined && <div className="truncate text-ink-2">{about}</div>}
      </div>
      {children}
    </header>
  );
}

/** A part that scrolls by itself, and is therefore reached by the keyboard. */
export function ScrollBox({ label, children, className }: { label: string; children: ReactNode; className?: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached without a pointer.
    <div role="group" aria-label={label} tabIndex={0} className={cx("ring-inside overflow-auto", className)}>
      {children}
    </div>
  );
}
