import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./design/app.css";
import { followCommits, newQueryClient } from "./api/client";
import { setHost } from "./api/host";
import { forbidNativeDrag } from "./design/drag";
import { startAppearance } from "./design/theme";
import { Toasts } from "./design/toast";
import { newRouter } from "./router";

async function start(): Promise<void> {
  // Plausible answers for work on the screens alone; the condition keeps them out of what is shipped.
  if (import.meta.env.DEV) {
    const { takeFixture, fixtureHost } = await import("./api/host.fixture");
    const search = takeFixture();
    if (search !== null) setHost(fixtureHost(search));
  }
  startAppearance();
  forbidNativeDrag();
  const client = newQueryClient();
  followCommits(client);
  const root = document.getElementById("root");
  if (root === null) throw new Error("the page has no #root");
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={newRouter()} />
        <Toasts />
      </QueryClientProvider>
    </StrictMode>,
  );
}

void start();
