import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import type { Row } from "@omnibox/api";
import { cleanup, renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connector, message, row, snapshot } from "../testing/samples.ts";
import { createServices, ServicesProvider } from "./services.ts";
import { latestOf, useThreadActions } from "./useThreadActions.tsx";

const address = vi.hoisted(() => ({ id: undefined as string | undefined }));
const navigate = vi.hoisted(() => () => undefined);
vi.mock("@tanstack/react-router", () => ({
  useParams: () => address,
  useNavigate: () => navigate,
}));

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));
afterEach(cleanup);

function at(id: string | undefined, threads_by: "contact" | "refs", change: Partial<Row> = {}) {
  address.id = id;
  const services = createServices();
  const { capabilities } = connector();
  const connectors = [connector({ capabilities: { ...capabilities, threads_by } })];
  services.store.load(snapshot({ connectors }));
  services.store.rows.put(row(change));
  const split = vi.fn(() => new Promise<never>(() => undefined));
  const value = { ...services, api: { ...services.api, split } };
  const wrapper = ({ children }: { children: ReactNode }) => (
    <I18nProvider i18n={i18n}>
      <ServicesProvider value={value}>{children}</ServicesProvider>
    </I18nProvider>
  );
  const { result } = renderHook(useThreadActions, { wrapper });
  return { store: services.store, split, actions: result.current.actions };
}

it("offers merge, split and move only where a conversation is a thing of its own", () => {
  const ids = (...given: Parameters<typeof at>) => at(...given).actions.map(({ id }) => id);
  expect(ids("12", "refs")).toEqual(["merge", "split", "move"]);
  expect(ids("12", "contact")).toEqual([]);
  expect(ids("13", "refs")).toEqual([]);
  expect(ids(undefined, "refs")).toEqual([]);
  expect(ids("12", "refs", { state: "merged", merged_into: 5 })).toEqual([]);
});

it("splits off the latest that either side said, and nothing where nothing was said", () => {
  const { store, split, actions } = at("12", "refs");
  const run = () => actions.find(({ id }) => id === "split")?.onClick();
  run();
  expect(split).not.toHaveBeenCalled();
  const messages = [
    message({ id: 1 }),
    message({ id: 2, kind: "outbound" }),
    message({ id: 3, kind: "note" }),
    message({ id: 4, kind: "line" }),
  ];
  store.threads.putPage(12, { messages, next: null, seq: 0 }, true);
  run();
  expect(split).toHaveBeenCalledExactlyOnceWith(12, [2], false);
  expect(latestOf(messages.slice(2))).toBeNull();
});
