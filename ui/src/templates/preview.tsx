import { useState } from "react";
import type { RenderedTemplate } from "@/api/gen/RenderedTemplate";
import { host } from "@/api/host";
import { cx, ErrorView, Note, ScrollBox, Segmented, SkeletonLines } from "@/design";
import { bytes } from "@/format";
import { t } from "@/i18n";
import { ContactPicker } from "@/shell/contact-picker";

type Width = "600" | "360" | "text";

/** The mail as a contact would get it, in a frame of its own that runs nothing and fetches nothing. */
export function Preview({
  rendered,
  error,
  onRetry,
  contact,
  onContact,
}: {
  rendered: RenderedTemplate | undefined;
  error: unknown;
  onRetry: () => void;
  contact: number | null;
  onContact: (contact: number | null) => void;
}) {
  const [width, setWidth] = useState<Width>("600");
  const problems = rendered?.problems.filter((problem) => problem.severity === "error") ?? [];
  return (
    <div className="flex h-full flex-col">
      <div className="flex shrink-0 flex-wrap items-center gap-2 border-line-subtle border-b px-4 py-2">
        <ContactPicker label={t("templates.render_as")} value={contact} onChange={onContact} className="w-64" />
        <div className="flex-1" />
        <Segmented
          label={t("templates.width")}
          value={width}
          onChange={setWidth}
          options={[
            { value: "600", label: t("templates.wide") },
            { value: "360", label: t("templates.narrow") },
            { value: "text", label: t("templates.text") },
          ]}
        />
      </div>
      {error !== null && error !== undefined && <ErrorView error={error} onRetry={onRetry} />}
      {rendered === undefined && error === null && <SkeletonLines />}
      {rendered !== undefined && (
        <>
          <div className="shrink-0 border-line-subtle border-b px-4 py-2">
            <p className="truncate font-semibold">
              {rendered.subject === "" ? t("templates.no_subject") : rendered.subject}
            </p>
            <p className="flex gap-2 text-ink-3">
              <span className="min-w-0 flex-1 truncate">{rendered.preheader}</span>
              <span className="figures shrink-0">{bytes(rendered.bytes)}</span>
            </p>
          </div>
          {problems.length > 0 && (
            <div className="space-y-2 p-3">
              {problems.map((problem, at) => (
                <Note
                  key={`${at}-${problem.message}`}
                  tone="bad"
                  title={problem.line === null ? undefined : t("templates.line", { line: problem.line })}
                >
                  {problem.message}
                </Note>
              ))}
            </div>
          )}
          <ScrollBox label={t("templates.preview")} className="min-h-0 flex-1 bg-sunken p-4">
            {width === "text" ? (
              <pre className="mx-auto max-w-150 whitespace-pre-wrap rounded-card border border-line-subtle bg-surface p-4 font-mono text-table">
                {rendered.text}
              </pre>
            ) : (
              <iframe
                title={t("templates.frame")}
                src={host().frameUrl(rendered.frame)}
                sandbox=""
                referrerPolicy="no-referrer"
                className={cx(
                  "mx-auto block h-full min-h-120 rounded-card border border-line-subtle bg-white",
                  width === "360" ? "w-[360px]" : "w-[600px]",
                )}
              />
            )}
          </ScrollBox>
        </>
      )}
    </div>
  );
}
