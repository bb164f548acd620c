import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import { ApiError, type Settings, type SettingsSchema } from "@omnibox/api";
import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SchemaForm } from "./SchemaForm.tsx";

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));
afterEach(cleanup);

const schema: SettingsSchema = {
  required: ["host", "password"],
  properties: {
    host: { type: "string", title: "Host", format: "hostname" },
    password: { type: "string", title: "Password", writeOnly: true },
    deep: { type: "string", title: "Deep", "x-ui-group": "advanced" },
  },
};

interface Case {
  stored?: Settings;
  secretsSet?: string[];
  isEdit?: boolean;
  refusal?: ApiError;
}

function open({ stored = {}, secretsSet = [], isEdit = false, refusal }: Case = {}) {
  const onSubmit = vi.fn(async () => {
    if (refusal) throw refusal;
  });
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider env="test">
        <SchemaForm
          schema={schema}
          nameLabel="Name"
          name="Loft"
          stored={stored}
          secretsSet={secretsSet}
          submitLabel="Save"
          isEdit={isEdit}
          onSubmit={onSubmit}
        />
      </MantineProvider>
    </I18nProvider>,
  );
  return onSubmit;
}

const field = (name: string) =>
  screen.getByLabelText(new RegExp(`^${name}`), { selector: "input" });

it("says what is still empty and saves nothing before it is there", async () => {
  const onSubmit = open();
  expect(screen.getByText("Still empty: Host, Password")).toBeTruthy();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(onSubmit).not.toHaveBeenCalled();
});

it("sends the filled form", async () => {
  const onSubmit = open();
  await userEvent.type(field("Host"), "mail.example");
  await userEvent.type(field("Password"), "secret");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  const settings = { host: "mail.example", password: "secret", deep: "" };
  expect(onSubmit).toHaveBeenCalledWith({ name: "Loft", settings });
});

it("a secret that is set is never shown, only replaced", async () => {
  const onSubmit = open({ stored: { host: "h" }, secretsSet: ["password"], isEdit: true });
  expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  await userEvent.type(field("Host"), "2");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(onSubmit).toHaveBeenCalledWith({ name: "Loft", settings: { host: "h2", deep: "" } });
  await userEvent.click(screen.getByRole("button", { name: "Replace: Password" }));
  expect((field("Password") as HTMLInputElement).value).toBe("");
});

it("the server's faults land at their fields, folded ones are opened, typed values stay", async () => {
  const fields = [
    { path: "settings.host", message: "Nobody answers there." },
    { path: "settings.deep", message: "Too deep." },
  ];
  open({ refusal: new ApiError(422, "invalid", "Not right.", null, fields) });
  await userEvent.type(field("Host"), "bad");
  await userEvent.type(field("Password"), "x");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText("Nobody answers there.")).toBeTruthy();
  expect(screen.getByText("Too deep.")).toBeTruthy();
  expect(screen.getByRole("button", { name: "Advanced" }).getAttribute("aria-expanded")).toBe(
    "true",
  );
  expect((field("Host") as HTMLInputElement).value).toBe("bad");
  expect(screen.queryByRole("alert")).toBeNull();
  expect(document.activeElement).toBe(field("Host")); // it may stand a screen above the button
});

it("a fault without a field is said above the form", async () => {
  open({ refusal: new ApiError(503, "store_unavailable", "") });
  await userEvent.type(field("Host"), "h");
  await userEvent.type(field("Password"), "x");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  const alert = await screen.findByRole("alert");
  expect(alert.textContent).toContain("busy");
  expect(document.activeElement).toBe(alert);
});
