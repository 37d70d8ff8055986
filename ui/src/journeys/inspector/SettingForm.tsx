import type { Problem } from "@/api/gen/Problem";
import type { Setting } from "@/api/gen/Setting";
import type { Step } from "@/api/gen/Step";
import type { StepKindFace } from "@/api/gen/StepKindFace";
import { CheckLine, cx, Field, NumberInput, Segmented, Select, TextInput } from "@/design";
import { t, tx } from "@/i18n";
import { useDesignerStore } from "../state";
import { missingSetting, unsetText } from "../summary";
import { problemText, settingLabel } from "../words";
import { BranchesForm } from "./BranchesForm";
import { ExpressionForm } from "./ExpressionForm";
import { PropsForm } from "./PropsForm";
import { DaysForm, DurationForm, ScheduleForm, TimeForm, ZoneForm } from "./TimeForms";
import { ValueForm } from "./ValueForm";
import { AccountForm, EventForm, FieldForm, ScoreForm, SegmentForm, TagForm, TemplateForm } from "./WordForms";

/** What every form gets: the value as the file has it, and how to change it. */
export type FormProps = {
  value: unknown;
  onChange: (value: unknown) => void;
  setting: Setting;
  step: Step;
  label: string;
};

/** One setting of a step, by its form. Absent values show what they mean. */
export function SettingForm({
  step,
  face,
  setting,
  error,
}: {
  step: Step;
  face: StepKindFace;
  setting: Setting;
  error: Problem | undefined;
}) {
  const store = useDesignerStore();
  const label = settingLabel(step.kind, setting.name);
  const value = step.settings?.[setting.name];
  const shown = value === undefined ? setting.default : value;
  const onChange = (next: unknown) => {
    const settings = { ...step.settings };
    // A value that says what its absence says is left out: files stay short and equal.
    const gone = next === undefined || (!setting.required && JSON.stringify(next) === JSON.stringify(setting.default));
    if (gone) delete settings[setting.name];
    else settings[setting.name] = next;
    store.getState().perform({ op: "set", step: step.id, settings, field: setting.name });
  };
  const props: FormProps = { value: shown, onChange, setting, step, label };
  const { drawing, catalogue } = store.getState();
  const unset = missingSetting(step, catalogue)?.name === setting.name;
  const said = unset ? unsetText(setting) : error ? problemText(error, drawing.doc, catalogue) : undefined;
  // A warning keeps nobody from publishing: it is no error of the field.
  const doubtful = !unset && error?.severity === "warning";
  if (setting.form === "bool") {
    return (
      <div data-setting={setting.name}>
        <CheckLine checked={shown === true} onChange={onChange} label={label} />
      </div>
    );
  }
  if (!relevant(setting, step, face)) return null;
  if (
    setting.form === "branches" ||
    setting.form === "props" ||
    setting.form === "schedule" ||
    setting.form === "days"
  ) {
    return (
      <fieldset data-setting={setting.name} className="min-w-0">
        <legend className="mb-1 font-medium text-body">{label}</legend>
        <Form {...props} />
        {said !== undefined && <p className={cx("mt-1 text-table", doubtful ? "text-warn" : "text-bad")}>{said}</p>}
      </fieldset>
    );
  }
  return (
    <Field label={label} error={doubtful ? undefined : said} optional={!setting.required && setting.default === null}>
      <div data-setting={setting.name}>
        <Form {...props} />
        {doubtful && <p className="mt-1 text-table text-warn">{said}</p>}
      </div>
    </Field>
  );
}

/** A rule for leap days means nothing where nothing comes back every year. */
function relevant(setting: Setting, step: Step, face: StepKindFace): boolean {
  if (setting.name !== "leap_day") return true;
  const yearly = face.settings.find((one) => one.name === "yearly");
  return yearly === undefined || (step.settings?.yearly ?? yearly.default) === true;
}

function Form(props: FormProps) {
  switch (props.setting.form) {
    case "text":
      return <TextForm {...props} />;
    case "number":
      return <NumberForm {...props} />;
    case "choice":
      return <ChoiceForm {...props} />;
    case "duration":
      return <DurationForm {...props} />;
    case "expression":
    case "where":
      return <ExpressionForm {...props} />;
    case "segment":
      return <SegmentForm {...props} />;
    case "template":
      return <TemplateForm {...props} />;
    case "account":
      return <AccountForm {...props} />;
    case "field":
      return <FieldForm {...props} />;
    case "score":
      return <ScoreForm {...props} />;
    case "value":
      return <ValueForm {...props} />;
    case "time":
      return <TimeForm {...props} />;
    case "zone":
      return <ZoneForm {...props} />;
    case "days":
      return <DaysForm {...props} />;
    case "branches":
      return <BranchesForm {...props} />;
    case "tag":
      return <TagForm {...props} />;
    case "event":
      return <EventForm {...props} />;
    case "props":
      return <PropsForm {...props} />;
    case "schedule":
      return <ScheduleForm {...props} />;
    default:
      return <TextForm {...props} />;
  }
}

function TextForm({ value, onChange }: FormProps) {
  return (
    <TextInput
      value={typeof value === "string" ? value : ""}
      maxLength={1000}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function NumberForm({ value, onChange }: FormProps) {
  return (
    <NumberInput optional className="w-32" value={typeof value === "number" ? value : undefined} onChange={onChange} />
  );
}

function ChoiceForm({ value, onChange, setting, label, step }: FormProps) {
  const options = (setting.options ?? []).map((option) => ({
    value: option,
    label: tx(
      `steps.${step.kind}.options.${setting.name}.${option}`,
      tx(`journeys.option.${option}`, option.replace(/_/g, " ")),
    ),
  }));
  const chosen = typeof value === "string" ? value : null;
  return options.length === 2 ? (
    <Segmented value={chosen ?? ""} onChange={onChange} options={options} label={label} />
  ) : (
    <Select value={chosen} onChange={onChange} options={options} placeholder={t("journeys.form.choose")} />
  );
}
