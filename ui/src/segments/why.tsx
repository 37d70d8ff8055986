import { Check, X } from "lucide-react";
import { useRead } from "@/api/client";
import type { Why } from "@/api/gen/Why";
import { Badge, cx, ErrorView, SkeletonLines } from "@/design";
import { moment } from "@/format";
import { t } from "@/i18n";
import { ContactPicker } from "@/shell/contact-picker";

interface Props {
  text: string | null;
  contact: number | null;
  onContact: (contact: number | null) => void;
}

/** Why somebody is in or out, clause by clause. */
export function WhyPanel({ text, contact, onContact }: Props) {
  const why = useRead(
    "segments.why",
    { text: text ?? "", contact: contact ?? 0 },
    { enabled: text !== null && contact !== null, keep: true },
  );
  return (
    <div className="space-y-3 p-4">
      <ContactPicker label={t("segments.why.whom")} value={contact} onChange={onContact} />
      {contact === null && <p className="text-ink-3">{t("segments.why.about")}</p>}
      {why.isError && <ErrorView error={why.error} onRetry={() => void why.refetch()} />}
      {contact !== null && text !== null && why.data === undefined && why.isPending && <SkeletonLines lines={3} />}
      {contact !== null && why.data !== undefined && (
        <>
          <Badge tone={why.data.holds ? "ok" : "neutral"} dot>
            {t(why.data.holds ? "segments.why.in" : "segments.why.out", { at: moment(why.data.at) })}
          </Badge>
          <ul>
            <Branch why={why.data.why} />
          </ul>
        </>
      )}
    </div>
  );
}

function Branch({ why }: { why: Why }) {
  const Icon = why.holds ? Check : X;
  const parts = why.of;
  return (
    <li>
      <div className="flex gap-2 py-1">
        <Icon
          size={16}
          className={cx("mt-0.5 shrink-0", why.holds ? "text-ok" : "text-bad")}
          aria-label={why.holds ? t("segments.why.holds") : t("segments.why.holds_not")}
        />
        <div className="min-w-0 flex-1">
          <p className="break-words font-mono text-table">{why.text}</p>
          {why.value !== null && (
            <p className="break-words text-ink-2 text-table">{t("segments.why.seen", { seen: why.value })}</p>
          )}
          {why.until !== null && (
            <p className="text-ink-3 text-meta">{t("segments.why.until", { at: moment(why.until) })}</p>
          )}
        </div>
      </div>
      {parts.length > 0 && (
        <ul className="ml-[7px] border-line-default border-l pl-4">
          {parts.map((part, at) => (
            <Branch key={`${at}-${part.text}`} why={part} />
          ))}
        </ul>
      )}
    </li>
  );
}
