import { Dialog, Kbd } from "@/design";
import { t } from "@/i18n";

/** Keys with what they do, as a sheet in front of the screen. */
export function KeysSheet({
  title,
  keys,
  open,
  onClose,
}: {
  title: string;
  keys: readonly (readonly [keys: string, does: string])[];
  open: boolean;
  onClose: () => void;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={title}>
      <dl className="grid gap-x-8 gap-y-0.5 pb-4 sm:grid-cols-2">
        {keys.map(([pressed, does]) => (
          <div key={pressed} className="flex min-h-7 items-center gap-3">
            <dt className="w-24 shrink-0">
              <span className="sr-only">{pressed}</span>
              <Kbd keys={pressed} />
            </dt>
            <dd className="min-w-0 text-ink-2">{does}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}

const EVERYWHERE = [
  ["/", "search"],
  ["↑ ↓", "rows"],
  ["Enter", "open"],
  ["Space", "select"],
  ["Ctrl A", "all"],
  ["Esc", "escape"],
  ["Ctrl S", "save"],
  ["?", "help"],
] as const;

const PLACES = [
  ["G H", "home"],
  ["G J", "journeys"],
  ["G M", "campaigns"],
  ["G C", "contacts"],
  ["G S", "segments"],
  ["G P", "scores"],
  ["G T", "templates"],
  ["G A", "analytics"],
  ["G O", "outbox"],
  ["G R", "replies"],
] as const;

/** The keys that are the same on every screen. */
export function ShellKeys({ sample, open, onClose }: { sample: boolean; open: boolean; onClose: () => void }) {
  return (
    <KeysSheet
      open={open}
      onClose={onClose}
      title={t("shell.keys.title")}
      keys={[
        ...PLACES.map(([keys, place]) => [keys, t(`shell.nav.${place}`)] as const),
        ...(sample ? [["G W", t("shell.nav.world")] as const] : []),
        ...EVERYWHERE.map(([keys, does]) => [keys, t(`shell.keys.${does}`)] as const),
      ]}
    />
  );
}
