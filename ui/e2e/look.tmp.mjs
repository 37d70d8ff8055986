import { startStudio } from "./studio.mjs";

const studio = await startStudio();
try {
  const { page } = await studio.open();
  await page.getByText("1 live journey").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  await page.waitForTimeout(1000);
  await page.screenshot({ path: "/tmp/uie2e/keys.png" });
  await page.keyboard.press("Escape");
  await page.waitForTimeout(500);
  console.log("after 1", await page.getByRole("dialog").count());
  await page.keyboard.press("Escape");
  await page.waitForTimeout(500);
  console.log("after 2", await page.getByRole("dialog").count());
  await page.screenshot({ path: "/tmp/uie2e/after.png" });
} finally {
  await studio.stop();
}
