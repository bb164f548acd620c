import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import type { Connection, Consent as ConsentState } from "@omnibox/api";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type Services, ServicesProvider } from "../../app/services.ts";
import { Consent } from "./Consent.tsx";

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const asked: ConsentState = {
  is_given: false,
  is_needed: false,
  has_choices: false,
  has_device: true,
  redirect_url: "https://omnibox.example/consent/return",
  missing: null,
};
const code = {
  user_code: "ABCD-0001",
  url: "https://provider.example/type",
  expires_at: "2026-11-22T10:00:00Z",
  interval_s: 0.01,
};

const choices = [
  { address: "104", name: "Corner shop", problem: "", is_taken: true },
  { address: "105", name: "Café Olé", problem: "", is_taken: false },
  { address: "106", name: "Not ours", problem: "You may not.", is_taken: false },
];

function open(consent: Partial<ConsentState> = {}, isChoosing = false) {
  const answers = [{ is_given: false }, { is_given: true }];
  const api = {
    askConsent: vi.fn(async () => ({ url: "#provider" })),
    askByCode: vi.fn(async () => code),
    consentAnswer: vi.fn(async () => answers.shift()),
    consentChoices: vi.fn(async () => choices),
    takeChoices: vi.fn(async () => ({ channels: 1 })),
  };
  const reload = vi.fn(async () => undefined);
  const connection = { id: 7 } as Connection;
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider env="test">
        <QueryClientProvider client={new QueryClient()}>
          <ServicesProvider value={{ api } as unknown as Services}>
            <Consent
              connection={connection}
              consent={{ ...asked, ...consent }}
              reload={reload}
              isChoosing={isChoosing}
            />
          </ServicesProvider>
        </QueryClientProvider>
      </MantineProvider>
    </I18nProvider>,
  );
  return { api, reload };
}

it("leads to the provider's page", async () => {
  const { api } = open();
  await userEvent.click(screen.getByRole("button", { name: "Ask for consent" }));
  expect(api.askConsent).toHaveBeenCalledWith(7);
  await vi.waitFor(() => expect(location.hash).toBe("#provider"));
});

it("asks again, by the main button, only where the consent is no longer good", () => {
  open({ is_given: true });
  expect(screen.getByText("The account's owner has consented.")).toBeTruthy();
  const calm = screen.getByRole("button", { name: "Ask for consent again" });
  expect(calm.dataset.variant).toBe("default");
  cleanup();
  open({ is_given: true, is_needed: true });
  expect(screen.getByText("The consent is no longer good.")).toBeTruthy();
  const urgent = screen.getByRole("button", { name: "Ask for consent again" });
  expect(urgent.dataset.variant).toBe("filled");
});

it("asks nobody before the form is filled in, but shows the redirect address", () => {
  open({ missing: "client_id" });
  expect(screen.queryByRole("button", { name: /consent/i })).toBeNull();
  expect(screen.getByLabelText("Redirect address")).toHaveProperty("value", asked.redirect_url);
});

it("offers a code only where the provider has a way for devices", () => {
  open({ has_device: false });
  expect(screen.queryByRole("button", { name: /code/i })).toBeNull();
});

it("shows a code and waits until it was typed", async () => {
  const { api, reload } = open();
  await userEvent.click(screen.getByRole("button", { name: "Use a code on another device" }));
  expect(await screen.findByLabelText("Code")).toHaveProperty("value", "ABCD-0001");
  expect(screen.getByRole("link", { name: code.url })).toHaveProperty("href", code.url);
  await vi.waitFor(() => expect(reload).toHaveBeenCalled());
  expect(api.consentAnswer).toHaveBeenCalledTimes(2);
  expect(screen.queryByLabelText("Code")).toBeNull();
});

it("lists what consent opened when the browser comes back, and takes what is chosen", async () => {
  const { api, reload } = open({ is_given: true, has_choices: true }, true);
  const shop = await screen.findByRole("checkbox", { name: "Corner shop" });
  expect(shop).toHaveProperty("checked", true);
  expect(shop).toHaveProperty("disabled", true);
  expect(screen.getByRole("checkbox", { name: "Not ours" })).toHaveProperty("disabled", true);
  expect(screen.getByText("You may not.")).toBeTruthy();
  expect(screen.getByRole("button", { name: /^Connect/ })).toHaveProperty("disabled", true);
  await userEvent.click(screen.getByRole("checkbox", { name: "Café Olé" }));
  await userEvent.click(screen.getByRole("button", { name: /^Connect/ }));
  expect(api.takeChoices).toHaveBeenCalledWith(7, ["105"]);
  await vi.waitFor(() => expect(reload).toHaveBeenCalled());
});

it("asks for the list only when somebody wants it", () => {
  const { api } = open({ is_given: true, has_choices: true });
  expect(screen.getByRole("button", { name: "Choose what to connect" })).toBeTruthy();
  expect(api.consentChoices).not.toHaveBeenCalled();
});
