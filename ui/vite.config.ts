import { fileURLToPath } from "node:url";
import babel from "@rolldown/plugin-babel";
import tailwindcss from "@tailwindcss/vite";
import react, { reactCompilerPreset } from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { noFixtures } from "./vite/guard.ts";
import { locales } from "./vite/locales.ts";

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Relative, because the desktop window serves from its own scheme and `carillon serve` from a path.
  base: "./",
  plugins: [
    react(),
    // Tests of single screens run them as they are written: the compiler takes half of their time, and the browser's and
    // the window's run what it made.
    ...(process.env.VITEST ? [] : [babel({ presets: [reactCompilerPreset()] })]),
    tailwindcss(),
    locales(from("../assets/locales")),
    noFixtures(),
  ],
  resolve: { alias: { "@": from("./src"), "@locales": from("../assets/locales"), "@assets": from("../assets") } },
  server: { port: 5173, strictPort: true, host: "127.0.0.1", fs: { allow: [from("."), from("../assets")] } },
  clearScreen: false,
  build: {
    target: "safari17",
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 700,
    sourcemap: false,
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    restoreMocks: true,
    // Loading the screens anew for each file is four fifths of the time; what a test needs it puts there itself, and the
    // files pass in any order (`--sequence.shuffle`).
    isolate: false,
    // A shared machine is slow now and then; a test fails by what it finds, never by the clock.
    testTimeout: 0,
    hookTimeout: 0,
  },
});
