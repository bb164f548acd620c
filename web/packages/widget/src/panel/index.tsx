/** The panel's chunk: mounts itself beside the launcher and takes over its look. */

import { render } from "preact";
import { inkOn } from "../color.ts";
import { addStyles } from "../styles.ts";
import type { Chat, PanelUi } from "../types.ts";
import { type Appearance, createCalls } from "./calls.ts";
import { Panel } from "./Panel.tsx";
import css from "./panel.css?inline";
import { chooseLanguage, english, loadStrings, plural, translator } from "./strings.ts";
import { createTalk } from "./talk.ts";

export function mount(chat: Chat): PanelUi {
  const box = document.createElement("div");
  const { launcher, wrapper, data } = chat;
  let own: Appearance = Object.create(null);
  let language = "en";
  let wanted = "en";
  let strings = english;

  const lookOfLauncher = (): void => {
    const { isOpen, unread } = talk;
    const t = translator(strings, own.strings ?? {});
    const count =
      unread > 0 && !isOpen ? `, ${t(plural(language, unread), { count: unread })}` : "";
    launcher.setAttribute("aria-expanded", `${isOpen}`);
    launcher.setAttribute("aria-label", isOpen ? t("close") : t("open") + count);
    launcher.dataset.unread = isOpen || !unread ? "" : unread > 99 ? "99+" : `${unread}`;
    const page = getComputedStyle(document.documentElement);
    const color = page.getPropertyValue("--omnibox-color").trim() || chat.config?.color;
    wrapper.style.setProperty("--ink", inkOn(color ?? "#2f5bea"));
  };

  const draw = (): void => {
    lookOfLauncher();
    const view = { talk, t: translator(strings, own.strings ?? {}), language, config: chat.config };
    render(<Panel {...view} />, box);
  };

  const speak = async (): Promise<void> => {
    const { config } = chat;
    const named = config?.lang === "auto" ? undefined : config?.lang;
    const page = document.documentElement.lang;
    const next = chooseLanguage([own.lang, data.lang, named, page, navigator.language]);
    if (next === wanted) return;
    wanted = next;
    const loaded = await loadStrings(chat.base, next);
    if (next !== wanted) return;
    language = next;
    strings = loaded;
    box.lang = next;
    draw();
  };

  const talk = createTalk(chat, draw);
  const call = createCalls(talk, (values) => {
    own = Object.assign(Object.create(null), own, values);
    void speak();
    draw();
  });

  addStyles(chat.root, css);
  box.lang = language;
  wrapper.prepend(box);
  void speak();
  talk.sync();
  return {
    draw: () => {
      void speak();
      talk.sync();
    },
    toggle: () => talk.setOpen(!talk.isOpen, true),
    apply: talk.apply,
    settle: talk.settle,
    hint: talk.hint,
    call,
  };
}
