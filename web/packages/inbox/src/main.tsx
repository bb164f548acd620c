import "./app/styles.ts";
import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { activateLanguage, preferredLanguage } from "./app/i18n.ts";
import { router } from "./app/router.tsx";
import { createServices, ServicesProvider } from "./app/services.ts";
import { FollowScheme, schemeManager, theme, variablesOfTheme } from "./app/theme.tsx";
import { Toasts } from "./ui/Toasts.tsx";

const services = createServices();
const root = document.getElementById("root");

await activateLanguage(preferredLanguage());

if (root)
  createRoot(root).render(
    <StrictMode>
      <I18nProvider i18n={i18n}>
        <MantineProvider
          theme={theme}
          cssVariablesResolver={variablesOfTheme}
          colorSchemeManager={schemeManager}
          defaultColorScheme="auto"
        >
          <FollowScheme />
          <ServicesProvider value={services}>
            <QueryClientProvider client={services.queries}>
              <Toasts />
              <RouterProvider router={router} />
            </QueryClientProvider>
          </ServicesProvider>
        </MantineProvider>
      </I18nProvider>
    </StrictMode>,
  );
