import { Check } from "lucide-react";
import { useReducer, useRef, useState } from "react";
import { useWrite } from "@/api/client";
import type { Campaign } from "@/api/gen/Campaign";
import type { CampaignView } from "@/api/gen/CampaignView";
import { Badge, Button, cx, Note, PageHead, sayError } from "@/design";
import { t } from "@/i18n";
import { useSaveKey } from "@/shell/keys";
import { CheckStep } from "./check";
import { type Edit, edited, STEPS, type StepName, unfinished } from "./draft";
import { CAMPAIGN_TONES } from "./tones";
import { WhatStep } from "./what";
import { WhenStep } from "./when";
import { WhoStep } from "./who";

export interface StepProps {
  campaign: Campaign;
  edit: (edit: Edit) => void;
}

/** Sets a campaign up, step by step. Each step is saved when it is left. */
export function Flow({ view }: { view: CampaignView }) {
  const [campaign, edit] = useReducer(edited, view.campaign);
  const [step, setStep] = useState<StepName>("who");
  const saved = useRef(JSON.stringify(view.campaign));
  const save = useWrite("campaigns.save", { onError: sayError });
  const keep = async (): Promise<boolean> => {
    const text = JSON.stringify(campaign);
    if (text === saved.current) return true;
    try {
      await save.mutateAsync({ id: view.id, campaign });
      saved.current = text;
      return true;
    } catch {
      // It was told above; the step stays.
      return false;
    }
  };
  const go = async (to: StepName) => {
    if (await keep()) setStep(to);
  };
  useSaveKey(() => void keep());
  const at = STEPS.indexOf(step);
  const before = STEPS[at - 1];
  const after = STEPS[at + 1];
  const missing = unfinished(campaign);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageHead title={campaign.name}>
        <Badge tone={CAMPAIGN_TONES[view.state]} dot>
          {t(`campaigns.states.${view.state}`)}
        </Badge>
      </PageHead>
      <nav
        aria-label={t("campaigns.steps.label")}
        className="flex shrink-0 gap-1 border-line-subtle border-b px-6 pb-3"
      >
        {STEPS.map((name, n) => (
          <button
            key={name}
            type="button"
            aria-current={name === step ? "step" : undefined}
            onClick={() => void go(name)}
            className={cx(
              "flex h-8 items-center gap-2 rounded-control px-2.5 font-medium",
              name === step ? "bg-selected text-ink-1" : "text-ink-2 hover:bg-hover hover:text-ink-1",
            )}
          >
            <span
              aria-hidden
              className="figures inline-flex size-5 items-center justify-center rounded-full border border-line-default text-meta"
            >
              {name !== "check" && !missing.includes(name) ? <Check size={12} /> : n + 1}
            </span>
            {t(`campaigns.steps.${name}`)}
          </button>
        ))}
      </nav>
      <div className="min-h-0 flex-1 overflow-auto">
        <div className="mx-auto max-w-[880px] space-y-5 px-6 py-5">
          {view.state === "recalled" && (
            <Note title={t("campaigns.live.recalled")}>{t("campaigns.live.recalled_about")}</Note>
          )}
          {step === "who" && <WhoStep campaign={campaign} edit={edit} />}
          {step === "what" && <WhatStep campaign={campaign} edit={edit} />}
          {step === "when" && <WhenStep campaign={campaign} edit={edit} />}
          {step === "check" && <CheckStep id={view.id} campaign={campaign} />}
          <div className="flex justify-end gap-2 border-line-subtle border-t pt-4">
            {before !== undefined && <Button onClick={() => void go(before)}>{t("campaigns.back")}</Button>}
            {after !== undefined && (
              <Button look="primary" busy={save.isPending} onClick={() => void go(after)}>
                {t("campaigns.next")}
              </Button>
            )}
          </div>
        </div>
      </div>
    </div>
  );
}
