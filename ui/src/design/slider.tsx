import { type CSSProperties, useId } from "react";
import { percent } from "@/format";

/** A share from nothing to all, by hand or by arrow keys, with its figure and what it means. */
export function ShareSlider({
  label,
  value,
  onChange,
  about,
  error,
}: {
  label: string;
  /** 0 to 1. */
  value: number;
  onChange: (value: number) => void;
  /** What this value means, in a sentence. */
  about: string;
  error?: string | undefined;
}) {
  const id = useId();
  return (
    <div>
      <div className="flex items-baseline gap-3">
        <label htmlFor={id} className="min-w-0 flex-1 font-medium">
          {label}
        </label>
        <output htmlFor={id} className="figures shrink-0 font-medium">
          {percent(value)}
        </output>
      </div>
      <input
        id={id}
        type="range"
        min={0}
        max={100}
        step={1}
        value={Math.round(value * 100)}
        aria-valuetext={percent(value)}
        aria-describedby={`${id}-about`}
        aria-invalid={error === undefined ? undefined : true}
        onChange={(event) => onChange(event.target.valueAsNumber / 100)}
        style={{ "--share": `${Math.round(value * 100)}%` } as CSSProperties}
        className="share-range h-8 w-full"
      />
      {/* Two lines of room, so that what is below stays where it is. */}
      <p id={`${id}-about`} className="min-h-8 text-ink-2 text-table">
        {about}
      </p>
      {error !== undefined && <p className="mt-1 text-bad text-table">{error}</p>}
    </div>
  );
}
