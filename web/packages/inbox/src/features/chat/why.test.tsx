import { i18n } from "@lingui/core";
import { I18nProvider } from "@lingui/react";
import { renderHook } from "@testing-library/react";
import { beforeEach, expect, it } from "vitest";
import { message } from "../../testing/samples.ts";
import { rearrangementOf, useLineWords, useWhy } from "./why.ts";

beforeEach(() => i18n.loadAndActivate({ locale: "en", messages: {} }));

const wrapper = ({ children }: { children: React.ReactNode }) => (
  <I18nProvider i18n={i18n}>{children}</I18nProvider>
);

it("says why a message stands here, quietly where there is nothing to tell", () => {
  const { result } = renderHook(() => useWhy(), { wrapper });
  const why = (word: string | null, moved_from: number | null = null) =>
    result.current(message({ why: word, moved_from }));
  expect([why(null), why("new")]).toEqual([null, null]);
  expect(why("in_reply_to")).toMatch(/answers a message/);
  expect(why("stranger")).toMatch(/does not belong/);
  expect(why("agent", 7)).toMatch(/from conversation 7/);
  expect(why("agent")).toMatch(/by an agent$/);
  expect(why("some_newer_word")).toBe("some newer word");
});

it("tells history in the reader's language, and what it does not know in the server's words", () => {
  const { result } = renderHook(() => useLineWords(), { wrapper });
  const line = (why: string | null, related: number | null) =>
    result.current(message({ kind: "line", text: "Server's words", why, related }), "Ana");
  expect(line("merged", 7)).toBe("Ana merged conversation 7 into this one");
  expect([line("unheard_of", 7), line(null, null)]).toEqual(["Server's words", "Server's words"]);
});

it("knows by which number a line is undone", () => {
  expect(rearrangementOf(message({ why: "merged", client_id: "merged:12" }))).toBe(12);
  expect(rearrangementOf(message({ why: "merged", client_id: "other:12" }))).toBeNull();
  expect(rearrangementOf(message({ why: null, client_id: "c-1" }))).toBeNull();
});
