import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import type { Message } from "@omnibox/api";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createServices, ServicesProvider } from "../../app/services.ts";
import { message, snapshot } from "../../testing/samples.ts";
import { MessageItem } from "./MessageItem.tsx";

vi.mock("./MessageMenu.tsx", () => ({ MessageMenu: () => null }));

beforeEach(() => {
  i18n.loadAndActivate({ locale: "en", messages: {} });
  vi.spyOn(console, "error").mockImplementation(() => undefined); // happy-dom loads no frames, and says so
});
afterEach(cleanup);

function show(change: Partial<Message>) {
  const services = createServices();
  services.store.load(snapshot());
  render(
    <I18nProvider i18n={i18n}>
      <ServicesProvider value={services}>
        <MessageItem
          message={message({ id: 41, has_html: true, text: "Plain words", ...change })}
          isFirst
          isLast
          contact="Ana García"
          homeChannel={7}
        />
      </ServicesProvider>
    </I18nProvider>,
  );
}

const toggle = () => screen.getByRole("button", { name: "Show original" });
const frame = () => document.querySelector("iframe");

it("loads the original only when asked, in a frame without scripts and origin", async () => {
  show({});
  expect(frame()).toBeNull();
  await userEvent.click(toggle());
  expect(frame()?.getAttribute("src")).toBe("/api/messages/41/html");
  expect(frame()?.getAttribute("sandbox")).toBe("allow-popups allow-popups-to-escape-sandbox");
  expect(frame()?.getAttribute("referrerpolicy")).toBe("no-referrer");
  expect(frame()?.title).toBe("Original message from Ana García");
  expect(screen.queryByText("Plain words")).toBeNull();
});

it("goes back to the text", async () => {
  show({});
  await userEvent.click(toggle());
  await userEvent.click(screen.getByRole("button", { name: "Show text" }));
  expect(frame()).toBeNull();
  expect(screen.getByText("Plain words")).toBeTruthy();
});

it.each([
  [1, "1 remote image not loaded"],
  [12, "12 remote images not loaded"],
])("says that %i remote images were not loaded", async (remote_images, words) => {
  show({ remote_images });
  expect(screen.queryByText(words)).toBeNull();
  await userEvent.click(toggle());
  expect(screen.getByText(words)).toBeTruthy();
});

it("says nothing of remote images where there are none", async () => {
  show({});
  await userEvent.click(toggle());
  expect(screen.queryByText(/remote image/)).toBeNull();
});

it.each<Partial<Message>>([{ has_html: false }, { is_deleted: true }])(
  "has no original to show for %j",
  (change) => {
    show(change);
    expect(screen.queryByRole("button", { name: "Show original" })).toBeNull();
  },
);

it("shows the pictures of the text once: in the frame, or below the text", async () => {
  const picture = {
    content_type: "image/png",
    size: 9,
    state: "ready" as const,
    url: "/api/files/k",
  };
  show({
    attachments: [
      { ...picture, id: 1, name: "inside.png", is_inline: true },
      { ...picture, id: 2, name: "beside.png", is_inline: false },
    ],
  });
  expect(screen.getByAltText("inside.png")).toBeTruthy();
  await userEvent.click(toggle());
  expect(screen.queryByAltText("inside.png")).toBeNull();
  expect(screen.getByAltText("beside.png")).toBeTruthy();
});
