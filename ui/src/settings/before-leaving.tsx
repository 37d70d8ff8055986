import { useState } from "react";
import { useRead, useWrite } from "@/api/client";
import { Button, Card, ErrorNote, Field, NumberInput, SkeletonLines, Switch, say, sayError } from "@/design";
import { t } from "@/i18n";

/** How long a campaign can be taken back, and how much may leave at once after an absence. */
export function BeforeLeaving() {
  const recall = useRead("campaigns.recall_secs", {});
  const absence = useRead("absence.limit", {});
  const failed = [recall, absence].find((each) => each.isError);
  if (failed) return <ErrorNote error={failed.error} onRetry={() => void failed.refetch()} />;
  if (recall.data === undefined || absence.data === undefined) return <SkeletonLines lines={3} />;
  return (
    <Card title={t("settings.before.title")}>
      <div className="space-y-4">
        <Recall key={recall.data.secs} secs={recall.data.secs} />
        <Ask key={String(absence.data.messages)} messages={absence.data.messages} />
      </div>
    </Card>
  );
}

const kept = () => say(t("settings.before.kept"));

function Recall({ secs }: { secs: number }) {
  const [value, setValue] = useState(secs);
  const set = useWrite("campaigns.set_recall_secs", { onSuccess: kept, onError: sayError });
  return (
    <Amount
      label={t("settings.before.recall")}
      help={t("settings.before.recall_help")}
      unit={t("settings.before.seconds")}
      wrong={value < 0 || value > 3600 ? t("settings.before.recall_wrong") : undefined}
      most={3600}
      value={value}
      changed={value !== secs}
      busy={set.isPending}
      onChange={setValue}
      onSave={() => set.mutate({ secs: value })}
    />
  );
}

const MOST = 1_000_000;
const USUAL = 25;

function Ask({ messages }: { messages: number | null }) {
  const [value, setValue] = useState(messages ?? USUAL);
  const set = useWrite("absence.set_limit", { onSuccess: kept, onError: sayError });
  const asks = messages !== null;
  return (
    <div className="space-y-2">
      <div className="flex items-center gap-3">
        <Switch
          checked={asks}
          onChange={(on) => set.mutate({ messages: on ? value : null })}
          label={t("settings.before.ask")}
        />
        <span aria-hidden>{t("settings.before.ask")}</span>
      </div>
      {asks && (
        <Amount
          label={t("settings.before.limit")}
          help={t("settings.before.limit_help")}
          unit={t("settings.before.messages")}
          wrong={value < 0 || value > MOST ? t("settings.before.limit_wrong") : undefined}
          most={MOST}
          value={value}
          changed={value !== messages}
          busy={set.isPending}
          onChange={setValue}
          onSave={() => set.mutate({ messages: value })}
        />
      )}
    </div>
  );
}

function Amount({
  label,
  help,
  unit,
  wrong,
  most,
  value,
  changed,
  busy,
  onChange,
  onSave,
}: {
  label: string;
  help: string;
  unit: string;
  wrong: string | undefined;
  most: number;
  value: number;
  changed: boolean;
  busy: boolean;
  onChange: (value: number) => void;
  onSave: () => void;
}) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong === undefined) onSave();
      }}
    >
      <Field label={label} help={help} error={wrong}>
        <div className="flex items-center gap-2">
          <NumberInput className="w-24" min={0} max={most} value={value} onChange={onChange} />
          <span className="text-ink-2">{unit}</span>
          {changed && (
            <Button type="submit" disabled={wrong !== undefined} busy={busy}>
              {t("common.save")}
            </Button>
          )}
        </div>
      </Field>
    </form>
  );
}
