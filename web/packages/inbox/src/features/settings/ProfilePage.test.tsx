import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { MantineProvider } from "@mantine/core";
import { ApiError } from "@omnibox/api";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createServices, ServicesProvider } from "../../app/services.ts";
import { me, snapshot } from "../../testing/samples.ts";
import ProfilePage from "./ProfilePage.tsx";

// A text area that grows listens to it, and the test's document has none.
Object.defineProperty(document, "fonts", { value: new EventTarget() });

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));
afterEach(cleanup);

function open() {
  const services = createServices();
  services.store.load(snapshot({ me: me({ signature: "Giulia" }) }));
  const changeMe = vi.fn(async ({ signature = "" }: { signature?: string }) =>
    me({ signature: signature.trim() }),
  );
  render(
    <I18nProvider i18n={i18n}>
      <MantineProvider env="test">
        <ServicesProvider value={{ ...services, api: { ...services.api, changeMe } }}>
          <ProfilePage />
        </ServicesProvider>
      </MantineProvider>
    </I18nProvider>,
  );
  const field = () => screen.getByLabelText("Signature") as HTMLTextAreaElement;
  const form = field().closest("form") as HTMLFormElement;
  return {
    store: services.store,
    changeMe,
    field,
    save: form.querySelector("button") as HTMLButtonElement,
    type: (value: string) => fireEvent.change(field(), { target: { value } }),
    submit: () => fireEvent.submit(form),
  };
}

it("a signature is saved as the server keeps it, with a card number hidden before it leaves", async () => {
  const { store, changeMe, field, save, type, submit } = open();
  expect(field().value).toBe("Giulia");
  expect(save.disabled).toBe(true);
  type("\nGiulia\n4111 1111 1111 1111\n");
  expect(save.disabled).toBe(false);
  submit();
  await waitFor(() => expect(field().value).toBe("Giulia\n•••• •••• •••• 1111"));
  expect(changeMe.mock.calls).toEqual([[{ signature: "\nGiulia\n•••• •••• •••• 1111\n" }]]);
  expect(store.desk()?.me.signature).toBe("Giulia\n•••• •••• •••• 1111");
  expect(save.disabled).toBe(true);
});

it("a signature can be taken away", async () => {
  const { store, type, submit } = open();
  type("");
  submit();
  await waitFor(() => expect(store.desk()?.me.signature).toBe(""));
});

it("one that is too long, or refused, says so at the field and stays there", async () => {
  const { changeMe, field, type, submit } = open();
  type("👍".repeat(2_001));
  submit();
  expect(await screen.findByText("Too long: at most 2000 characters")).toBeTruthy();
  expect(changeMe).not.toHaveBeenCalled();
  changeMe.mockRejectedValueOnce(
    new ApiError(422, "invalid", "", null, [{ path: "signature", message: "no good" }]),
  );
  type("👍".repeat(2_000));
  submit();
  expect(await screen.findByText("no good")).toBeTruthy();
  expect(field().value).toBe("👍".repeat(2_000));
});
