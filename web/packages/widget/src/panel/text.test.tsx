import { cleanup, render } from "@testing-library/preact";
import { h } from "preact";
import { afterEach, expect, test } from "vitest";
import { linked, targetOf } from "./text.tsx";

afterEach(cleanup);

const show = (text: string) => render(<p>{linked(text)}</p>).container;
const linksOf = (text: string) =>
  [...show(text).querySelectorAll("a")].map((link) => [
    link.textContent,
    link.getAttribute("href"),
  ]);

test("addresses become links without the punctuation behind them", () => {
  expect(linksOf("See https://a.example/x?y=1. Or (http://b.example), tel:+34600!")).toEqual([
    ["https://a.example/x?y=1", "https://a.example/x?y=1"],
    ["http://b.example", "http://b.example"],
    ["tel:+34600", "tel:+34600"],
  ]);
});

test("a mail address becomes a mailto link", () => {
  expect(linksOf("write to ana.b+c@shop.example today")).toEqual([
    ["ana.b+c@shop.example", "mailto:ana.b+c@shop.example"],
  ]);
});

test.each([
  "javascript:alert(1)",
  "data:text/html,x",
  "vbscript:x",
  "file:///etc/passwd",
  "https://",
])("%s is no target", (word) => expect(targetOf(word)).toBeUndefined());

test("markup stays text, every character of it", () => {
  const text = `<img src=x onerror=alert(1)> <a href="javascript:x">y</a> &amp; https://a.example/"><script>`;
  const node = show(text);
  expect(node.textContent).toBe(text);
  expect(node.querySelector("img, script")).toBeNull();
});

test("links tell the other site nothing and cannot reach back", () => {
  const link = show("https://a.example").querySelector("a");
  expect(link?.rel).toBe("noopener noreferrer nofollow ugc");
  expect(link?.target).toBe("_blank");
});
