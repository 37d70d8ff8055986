import { Field, Segmented, setAppearance, useAppearance } from "@/design";
import { t } from "@/i18n";
import { PartHead } from "./part";

const SCALES = ["90", "100", "110", "125", "150"] as const;

/** How the screen looks on this machine. */
export function AppearancePart() {
  const { theme, density, scale } = useAppearance();
  return (
    <>
      <PartHead title={t("settings.parts.appearance")} about={t("settings.appearance.about")} />
      <Field label={t("settings.appearance.theme")}>
        <Segmented
          label={t("settings.appearance.theme")}
          value={theme}
          onChange={(next) => setAppearance({ theme: next })}
          options={(["light", "dark", "system"] as const).map((value) => ({ value, label: t(`shell.theme.${value}`) }))}
        />
      </Field>
      <Field label={t("settings.appearance.density")} help={t("settings.appearance.density_help")}>
        <Segmented
          label={t("settings.appearance.density")}
          value={density}
          onChange={(next) => setAppearance({ density: next })}
          options={(["compact", "regular", "roomy"] as const).map((value) => ({
            value,
            label: t(`settings.appearance.densities.${value}`),
          }))}
        />
      </Field>
      <Field label={t("settings.appearance.scale")}>
        <Segmented
          label={t("settings.appearance.scale")}
          value={String(scale)}
          onChange={(next) => setAppearance({ scale: Number(next) })}
          options={SCALES.map((value) => ({
            value: value as string,
            label: t("settings.appearance.percent", { n: value }),
          }))}
        />
      </Field>
    </>
  );
}
