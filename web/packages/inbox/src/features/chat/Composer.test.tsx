import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import type { Offers, Row } from "@omnibox/api";
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createRef } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createServices, ServicesProvider } from "../../app/services.ts";
import type { Pending } from "../../store/pending.ts";
import { connector, message, row, snapshot } from "../../testing/samples.ts";
import { Composer, type ComposerDoor } from "./Composer.tsx";

beforeEach(() => {
  localStorage.clear();
  i18n.loadAndActivate({ locale: "en", messages: {} });
});
afterEach(cleanup);

function open(
  change: Partial<Row> = {},
  recipients = false,
  by_address = false,
  offers: Offers | null = null,
) {
  const services = createServices();
  const { capabilities } = connector();
  const connectors = [
    connector({ capabilities: { ...capabilities, recipients, by_address, offers } }),
  ];
  services.store.load(snapshot({ connectors }));
  const write = vi.fn((_pending: Pending, _extra: object) => true);
  const tellTyping = vi.fn();
  const value = { ...services, sync: { ...services.sync, write, tellTyping } };
  const door = createRef<ComposerDoor>();
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider env="test">
        <ServicesProvider value={value}>
          <Composer row={row(change)} messages={[message({ id: 41 })]} door={door} />
        </ServicesProvider>
      </MantineProvider>
    </I18nProvider>,
  );
  return {
    write,
    tellTyping,
    door,
    field: () => screen.getByRole("textbox") as HTMLTextAreaElement,
  };
}

const written = (write: ReturnType<typeof open>["write"]) =>
  write.mock.calls.map(([pending]) => pending.text);

it("Enter sends what was on screen when the words were begun; Shift+Enter breaks the line", async () => {
  const { write, field } = open();
  await userEvent.type(field(), "one{Shift>}{Enter}{/Shift}two{Enter}");
  expect(write).toHaveBeenCalledOnce();
  expect(write.mock.calls[0]).toMatchObject([{ text: "one\ntwo", kind: "reply" }, { seen: 41 }]);
  expect(field().value).toBe("");
});

it("Enter during input-method composition picks a word and sends nothing", () => {
  const { write, field } = open();
  fireEvent.change(field(), { target: { value: "にほん" } });
  fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
  expect(write).not.toHaveBeenCalled();
});

it("a card number is announced while it is typed and hidden before it leaves or is kept", async () => {
  const { write, field } = open();
  await userEvent.type(field(), "4111 1111 1111 1111");
  expect(screen.getByText(/looks like a card number/)).toBeTruthy();
  await userEvent.type(field(), "{Enter}");
  expect(written(write)).toEqual(["•••• •••• •••• 1111"]);
  expect(JSON.stringify(localStorage)).not.toContain("4111");
});

it("a draft is kept when the composer goes, with its card number hidden", async () => {
  const { field } = open();
  await userEvent.type(field(), "card 4111 1111 1111 1111");
  cleanup();
  expect(JSON.stringify(localStorage)).toContain("card •••• •••• •••• 1111");
  expect(JSON.stringify(localStorage)).not.toContain("4111");
  expect(open().field().value).toBe("card •••• •••• •••• 1111");
});

it("a closed window names the ways that are left, and only those", () => {
  const policy = { ...row().policy, allowed: false, code: "window_closed", lacks: "Human Agent" };
  const contact = { ...row().contact, email: "ada@example.org" };
  open({ policy, contact, channel: 999 }, false, true);
  expect(screen.getByText(/With Human Agent, people could still answer/)).toBeTruthy();
  expect(screen.getByRole("button", { name: /Write to ada@example.org/ })).toBeTruthy();
  cleanup();
  open({ policy, channel: 999 }, false, true);
  expect(screen.queryByRole("button", { name: /Write to/ })).toBeNull();
});

it("an open window is counted down, with what comes after it", () => {
  const until = new Date(Date.now() + 5 * 3_600_000).toISOString();
  const later = new Date(Date.now() + 150 * 3_600_000).toISOString();
  const afterwards = { until: later, way: "Human Agent" };
  open({ policy: { ...row().policy, until, afterwards } });
  expect(screen.getByText(/Reply window ends in/).textContent).toMatch(/Then with Human Agent/);
});

it("a closed window refuses the reply with its reason and leaves the note open", async () => {
  const policy = { ...row().policy, allowed: false, code: "window_closed" };
  const { write, field } = open({ policy });
  expect(field().disabled).toBe(true);
  expect(screen.getByText(/takes an answer is over/)).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Note" }));
  await userEvent.type(field(), "for us{Enter}");
  expect(write.mock.calls[0]?.[0]).toMatchObject({ kind: "note", text: "for us" });
});

it("nothing to send is refused with words, not silently", async () => {
  const { write } = open();
  const send = screen.getByRole("button", { name: "Send" });
  expect(send.getAttribute("aria-disabled")).toBe("true");
  await userEvent.click(send);
  expect(write).not.toHaveBeenCalled();
});

it("words are kept when the outbox is full", async () => {
  const { write, field } = open();
  write.mockReturnValue(false);
  await userEvent.type(field(), "keep me{Enter}");
  expect(field().value).toBe("keep me");
});

it("a refused reply comes back beside what was typed meanwhile", async () => {
  const { door, field } = open();
  await userEvent.type(field(), "new words");
  const refused = { kind: "reply", text: "old words", files: [], cc: [] } as unknown as Pending;
  door.current?.restore(refused);
  await vi.waitFor(() => expect(field().value).toBe("new words\nold words"));
});

const ben = { address: "ben@x.example", name: "Ben", is_confirmed: false, is_copied: false };
const carla = { address: "carla@x.example", name: null, is_confirmed: true, is_copied: true };

it("a copy goes to whom the agent ticked or ticked last time, and to nobody besides", async () => {
  const { write, field } = open({ people: [ben, carla] }, true);
  const copied = (name: string) =>
    screen.getByRole("button", { name: new RegExp(`^${name} gets`) }).getAttribute("aria-pressed");
  expect([copied("Ben"), copied("carla@x.example")]).toEqual(["false", "true"]);
  await userEvent.type(field(), "to Carla{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Ben gets no copy" }));
  expect(screen.getByText("new")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "carla@x.example gets a copy" }));
  await userEvent.type(field(), "to Ben{Enter}");
  await userEvent.click(screen.getByRole("button", { name: "Add somebody in copy" }));
  await userEvent.type(screen.getByLabelText("Address to copy"), "Dora@X.example{Enter}");
  await userEvent.type(field(), "to both{Enter}");
  expect(write.mock.calls.map(([pending]) => pending.cc)).toEqual([
    ["carla@x.example"],
    ["ben@x.example"],
    ["ben@x.example", "dora@x.example"],
  ]);
});

it("a note has no copies, nor has a channel that knows none", async () => {
  open({ people: [carla] });
  expect(screen.queryByText("Cc")).toBeNull();
  cleanup();
  const other = open({ people: [carla] }, true);
  await userEvent.click(screen.getByRole("button", { name: "Note" }));
  expect(screen.queryByText("Cc")).toBeNull();
  await userEvent.type(other.field(), "for us{Enter}");
  expect(other.write.mock.calls[0]?.[0]).toMatchObject({ kind: "note", cc: [] });
});

it("typing is told at most once in two seconds, a note never", async () => {
  const { tellTyping, field } = open();
  await userEvent.type(field(), "hello");
  expect(tellTyping).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole("button", { name: "Note" }));
  await userEvent.type(field(), "hello");
  expect(tellTyping).toHaveBeenCalledOnce();
});

it("a paused channel says that replies wait", () => {
  const services = createServices();
  const { channels } = snapshot();
  services.store.load(
    snapshot({
      channels: channels.map((one) => ({ ...one, state: "paused" })),
      may: { settings: false, agents: false, resolve_any: false },
    }),
  );
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider env="test">
        <ServicesProvider value={services}>
          <Composer row={row()} messages={[]} door={createRef<ComposerDoor>()} />
        </ServicesProvider>
      </MantineProvider>
    </I18nProvider>,
  );
  expect(screen.getByText(/replies wait/)).toBeTruthy();
});

const offers: Offers = {
  quick_replies: 2,
  buttons: 1,
  cards: 0,
  card_buttons: 0,
  title: 20,
  text: 30,
  card_title: 80,
  card_subtitle: 80,
};
const press = (name: string) => userEvent.click(screen.getByRole("button", { name }));
const typeInto = (name: string, words: string) =>
  userEvent.type(screen.getByRole("textbox", { name }), words);

it("choices are made by keyboard, go along once, and a channel that takes none does not ask", async () => {
  open();
  expect(screen.queryByRole("button", { name: "Let the customer choose" })).toBeNull();
  cleanup();
  const { write } = open({}, false, false, offers);
  await press("Let the customer choose");
  await userEvent.click(await screen.findByRole("button", { name: "Add a quick reply" }));
  await typeInto("Quick reply", "Yes{Enter}yes please{Enter}");
  expect(screen.queryByRole("textbox", { name: "Quick reply" })).toBeNull(); // two are all it takes
  await press("Remove yes please");
  await press("Add a button");
  await typeInto("Title of the button", "Shop{Tab}http://x.example{Enter}");
  expect(screen.getByRole("alert").textContent).toBe("A link begins with https://");
  const link = screen.getByRole("textbox", { name: /^Link of the button/ });
  await userEvent.clear(link);
  await userEvent.type(link, "https://x.example{Enter}");
  await typeInto("Reply", "Coming?{Enter}");
  expect(write.mock.calls[0]?.[0].offer).toEqual({
    quick_replies: ["Yes"],
    buttons: [{ title: "Shop", url: "https://x.example" }],
    cards: [],
  });
  await typeInto("Reply", "And?{Enter}");
  expect(write.mock.calls[1]?.[0].offer).toBeNull();
});

it("choices need a text, not too long above buttons, and are kept with the draft", async () => {
  const { write } = open({}, false, false, offers);
  await press("Let the customer choose");
  await userEvent.click(await screen.findByRole("button", { name: "Add a button" }));
  await typeInto("Title of the button", "4111 1111 1111 1111{Enter}");
  const reason = () =>
    screen.getByRole("button", { name: "Send" }).getAttribute("aria-describedby");
  const words = () => document.getElementById(reason() ?? "")?.textContent;
  expect(words()).toBe("Write a text above the choices");
  await typeInto("Reply", "x".repeat(31));
  expect(words()).toBe("Too long above buttons: at most 30 characters");
  expect(write).not.toHaveBeenCalled();
  cleanup();
  expect(JSON.stringify(localStorage)).not.toContain("4111");
  open({}, false, false, offers);
  expect(await screen.findByRole("button", { name: /^Remove •/ })).toBeTruthy();
});
