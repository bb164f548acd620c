import { beforeEach, expect, it } from "vitest";
import { keepDraft, readDraft, setDraftOwner, takeDraftAlong } from "./drafts.ts";

beforeEach(() => {
  localStorage.clear();
  setDraftOwner(1);
});

it("what was begun in a merged conversation goes along, behind what is begun there", () => {
  keepDraft(4, { text: "begun here", kind: "reply" });
  takeDraftAlong(4, 5);
  expect([readDraft(4).text, readDraft(5).text]).toEqual(["", "begun here"]);
  keepDraft(4, { text: "more", kind: "note" });
  takeDraftAlong(4, 5);
  expect(readDraft(5)).toEqual({ text: "begun here\n\nmore", kind: "reply" });
  takeDraftAlong(4, 5);
  expect(readDraft(5).text).toBe("begun here\n\nmore");
});
