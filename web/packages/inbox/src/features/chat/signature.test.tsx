import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import type { Connection, May } from "@omnibox/api";
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { createRef } from "react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createServices, ServicesProvider } from "../../app/services.ts";
import { channel, connector, me, row, snapshot } from "../../testing/samples.ts";
import { Composer } from "./Composer.tsx";
import { addsSignature, inShort, signatureBelow } from "./signature.ts";

const signing = (hint = "text") =>
  connector({
    channel_schema: { properties: { signature: { type: "string", "x-ui": hint } } },
  });

describe("which channels add a signature", () => {
  it("those with a text of several lines of that name among their settings", () => {
    expect(addsSignature(signing())).toBe(true);
    expect(addsSignature(signing("color"))).toBe(false);
    expect(addsSignature(connector({ channel_schema: { properties: {} } }))).toBe(false);
    expect(addsSignature(connector())).toBe(false);
    expect(addsSignature(undefined)).toBe(false);
  });
});

describe("what stands below a reply", () => {
  it.each([
    ["The shop", "", "The shop"],
    ["", "Ben", "Ben"],
    ["The shop", "Ben", "Ben\nThe shop"],
    ["{signature}\n-- The shop", "Ben", "Ben\n-- The shop"],
    ["{signature}\nThe shop", "", "The shop"],
    ["{agent}, the shop", "", "Ben Ortiz, the shop"],
    ["{agent}: {signature}, {agent}", "$& {agent}", "Ben Ortiz: $& {agent}, Ben Ortiz"],
    ["\n  The shop\n\n", "\nBen\n\nDesk 2\n", "Ben\n\nDesk 2\n  The shop"],
    ["", " \n", ""],
    ["", "", ""],
  ])("%j with %j", (pattern, signature, below) => {
    expect(signatureBelow({ signature: pattern }, { name: "Ben Ortiz", signature })).toBe(below);
  });

  it("is the agent's own while the channel's settings are not known", () => {
    expect(signatureBelow({}, { name: "Ben Ortiz", signature: "Ben" })).toBe("Ben");
  });

  it("fits on one line, folded", () => {
    expect(inShort("Ben\n\n  Desk 2 \nThe shop")).toBe("Ben · Desk 2 · The shop");
  });
});

describe("below the reply", () => {
  beforeEach(() => {
    localStorage.clear();
    i18n.loadAndActivate({ locale: "en", messages: {} });
  });
  afterEach(cleanup);

  const ALLOWED: May = { settings: true, agents: true, resolve_any: true };

  function open(may: May, settings: Record<string, unknown>, kind = "reply") {
    const services = createServices();
    const signed = me({ signature: "Giulia\nDesk 2" });
    services.store.load(snapshot({ me: signed, connectors: [signing()], may }));
    const connection = vi.fn(
      async () => ({ channels: [channel({ settings })] }) as unknown as Connection,
    );
    if (kind === "note") localStorage.setItem("omnibox.draft.0.12", `{"text":"a","kind":"note"}`);
    const policy = { ...row().policy, allowed: kind !== "closed" };
    render(
      <I18nProvider i18n={i18n}>
        <MantineProvider env="test">
          <QueryClientProvider client={services.queries}>
            <ServicesProvider value={{ ...services, api: { ...services.api, connection } }}>
              <Composer row={row({ policy })} messages={[]} door={createRef()} />
            </ServicesProvider>
          </QueryClientProvider>
        </MantineProvider>
      </I18nProvider>,
    );
    return connection;
  }

  it("stands what will be added, the channel's words among it for who may read them", async () => {
    open(ALLOWED, { signature: "{signature}\nThe shop" });
    expect(await screen.findByText("Giulia · Desk 2 · The shop")).toBeTruthy();
  });

  it("stands one's own for all others, and nobody asks for what they may not read", () => {
    const connection = open({ ...ALLOWED, settings: false }, { signature: "The shop" });
    expect(screen.getByText("Giulia · Desk 2")).toBeTruthy();
    expect(connection).not.toHaveBeenCalled();
  });

  it.each(["note", "closed"])("stands nothing where nothing is added: %s", (kind) => {
    open({ ...ALLOWED, settings: false }, {}, kind);
    expect(screen.queryByText("Signature")).toBeNull();
  });
});
