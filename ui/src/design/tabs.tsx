import { Tabs as BaseTabs } from "@base-ui/react/tabs";
import type { ReactNode } from "react";
import { cx } from "./cx";

export interface Tab<V extends string> {
  value: V;
  label: string;
  /** A number beside the word. */
  count?: string | undefined;
  panel: ReactNode;
  /** The panel has parts that scroll by themselves, and is as high as there is room. */
  fills?: boolean;
}

/** Views of one thing. */
export function Tabs<V extends string>({
  value,
  onChange,
  tabs,
  label,
  className,
}: {
  value: V;
  onChange: (value: V) => void;
  tabs: Tab<V>[];
  label: string;
  className?: string;
}) {
  return (
    <BaseTabs.Root
      value={value}
      onValueChange={(next) => onChange(next as V)}
      className={cx("flex min-h-0 flex-col", className)}
    >
      <BaseTabs.List aria-label={label} className="flex shrink-0 gap-1 border-line-subtle border-b px-3">
        {tabs.map((tab) => (
          <BaseTabs.Tab
            key={tab.value}
            value={tab.value}
            className={cx(
              "ring-inside -mb-px flex h-9 items-center gap-1.5 border-b-2 px-2 font-medium",
              tab.value === value ? "border-accent-solid text-ink-1" : "border-transparent text-ink-2 hover:text-ink-1",
            )}
          >
            {tab.label}
            {tab.count !== undefined && <span className="figures text-ink-3 text-meta">{tab.count}</span>}
          </BaseTabs.Tab>
        ))}
      </BaseTabs.List>
      {tabs.map((tab) => (
        <BaseTabs.Panel
          key={tab.value}
          value={tab.value}
          className={cx("ring-inside min-h-0 flex-1", tab.fills ? "flex flex-col" : "overflow-auto")}
        >
          {tab.panel}
        </BaseTabs.Panel>
      ))}
    </BaseTabs.Root>
  );
}
