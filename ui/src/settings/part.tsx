import type { ReactNode } from "react";

/** The head of a part of the settings. */
export function PartHead({ title, about, children }: { title: string; about?: ReactNode; children?: ReactNode }) {
  return (
    <header className="flex items-start gap-3">
      <div className="min-w-0 flex-1">
        <h2 className="font-semibold text-section">{title}</h2>
        {about !== undefined && <p className="max-w-150 text-ink-2">{about}</p>}
      </div>
      {children}
    </header>
  );
}
