import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import type { Delivery } from "@omnibox/api";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createServices, ServicesProvider } from "../../app/services.ts";
import { message } from "../../testing/samples.ts";
import { DeliveryTrouble } from "./Delivery.tsx";

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const WHY = "There is no such mailbox. Check the address.";

function show(change: Partial<Delivery>) {
  const delivery: Delivery = {
    id: 7,
    position: 0,
    state: "queued",
    code: null,
    why: null,
    next_try_at: null,
    at: null,
    is_delayed: false,
    recipients: [],
    ...change,
  };
  render(
    <I18nProvider i18n={i18n}>
      <ServicesProvider value={createServices()}>
        <DeliveryTrouble
          message={message({ kind: "outbound", state: delivery.state, deliveries: [delivery] })}
        />
      </ServicesProvider>
    </I18nProvider>,
  );
}

const both = (state: "queued" | "failed") => [
  { address: "ana@customer.example", state: "sent" as const, code: null, why: null },
  { address: "boss@customer.example", state, code: "email.no_such_mailbox", why: WHY },
];

it("says that a reply is delayed, also where no reason is known yet", () => {
  show({ is_delayed: true });
  expect(screen.getByText(/Delayed\./)).toBeTruthy();
});

it("says nothing of a reply that has just been written", () => {
  show({});
  expect(screen.queryByText(/Delayed|Waiting/)).toBeNull();
});

it("shows the reason in the words of the channel", () => {
  show({ state: "failed", code: "email.no_such_mailbox", why: WHY });
  expect(screen.getByText(new RegExp(WHY))).toBeTruthy();
  expect(screen.getByRole("button", { name: "Retry" })).toBeTruthy();
});

it("names whom it did not reach and offers both ways on", () => {
  show({ state: "failed", code: "email.no_such_mailbox", why: WHY, recipients: both("failed") });
  expect(screen.getByText(/It did not reach everybody/)).toBeTruthy();
  expect(screen.getByText("boss@customer.example")).toBeTruthy();
  expect(screen.queryByText("ana@customer.example")).toBeNull();
  expect(screen.getByRole("button", { name: "Try those again" })).toBeTruthy();
  expect(screen.getByRole("button", { name: "Leave it at that" })).toBeTruthy();
});

it("names who is still waiting, and shows the reason once", () => {
  show({ code: "email.recipient_deferred", why: WHY, recipients: both("queued") });
  expect(screen.getByText(/Waiting\./)).toBeTruthy();
  expect(screen.getByText("boss@customer.example")).toBeTruthy();
  expect(screen.getAllByText(new RegExp(WHY))).toHaveLength(1);
});

it("says that it may have arrived before it is sent again, and lets the agent insist", async () => {
  const early = { code: "evidence_early", message: "Too early.", cure: null, fields: [] };
  const fetched = vi.fn(async (_path: string, _init: RequestInit) =>
    Response.json({ error: early }, { status: 409 }),
  );
  vi.stubGlobal("fetch", fetched);
  show({ state: "uncertain", code: "no_answer" });
  fireEvent.click(screen.getByRole("button", { name: "Send again" }));
  const insist = await screen.findByRole("button", { name: "Send anyway" });
  expect(screen.getByRole("status").textContent).toMatch(/It left a moment ago/);
  fireEvent.click(insist);
  await vi.waitFor(() => expect(fetched).toHaveBeenCalledTimes(2));
  const asked = fetched.mock.calls.map(([path]) => path);
  expect(asked).toEqual(["/api/deliveries/7/retry", "/api/deliveries/7/retry?anyway=true"]);
});
