/** The panel's chunk: mounts itself beside the launcher and takes over its look. */

import { h, render } from "preact";
import { inkOn } from "../color.ts";
import { addStyles } from "../styles.ts";
import type { Chat, PanelUi } from "../types.ts";
import { loadExtra } from "./chunks.ts";
import logCss from "./log.css?inline";
import { Panel } from "./Panel.tsx";
import panelCss from "./panel.css?inline";
import { chooseLanguage, loadStrings, plural, type Strings, translator } from "./strings.ts";
import { type Appearance, createTalk } from "./talk.ts";
import { createTray } from "./tray.ts";
import type { View } from "./View.ts";

export function mount(chat: Chat): PanelUi {
  const box = document.createElement("div");
  const { launcher, wrapper, data } = chat;
  let own: Appearance = Object.create(null);
  let language = "";
  let asked = "";
  let strings: Strings = {};

  const paintLauncher = ({ talk, t }: View): void => {
    const { isOpen, unread } = talk;
    const news = unread && !isOpen ? `, ${t(plural(language, unread), { count: unread })}` : "";
    launcher.ariaExpanded = `${isOpen}`;
    launcher.ariaLabel = t(isOpen ? "close" : "open") + news;
    launcher.dataset.unread = news && (unread > 99 ? "99+" : `${unread}`);
    const page = getComputedStyle(document.documentElement);
    const color = page.getPropertyValue("--omnibox-color").trim() || chat.config?.color;
    wrapper.style.setProperty("--ink", inkOn(color ?? "#2f5bea"));
  };

  const draw = (): void => {
    if (!language) return;
    const t = translator({ ...strings, ...own.strings });
    const view: View = { talk, tray, t, language, config: chat.config, changed: draw };
    paintLauncher(view);
    render(<Panel {...view} />, box);
  };

  /** Learns the language that is wanted now; what is shown stays until its words are there. */
  const learn = async (): Promise<void> => {
    const { config } = chat;
    const named = config?.lang === "auto" ? undefined : config?.lang;
    const page = document.documentElement.lang;
    const wanted = chooseLanguage([own.lang, data.lang, named, page, navigator.language]);
    if (wanted === asked) return;
    asked = wanted;
    try {
      strings = await loadStrings(chat.base, wanted);
      language = wanted;
    } catch {
      asked = ""; // the next drawing tries again
    }
    box.lang = language;
    draw();
  };

  const talk = createTalk(chat, draw);
  const tray = createTray(talk, draw);

  const appear = (values: Appearance): void => {
    own = Object.assign(Object.create(null), own, values);
    sync();
  };

  let calls: Promise<(name: unknown, values: unknown[]) => void> | undefined;
  const call: PanelUi["call"] = (name, values) => {
    calls ??= loadExtra(chat.base).then(({ createCalls }) => createCalls(talk, appear));
    calls.then(
      (run) => run(name, values),
      (fault) => {
        calls = undefined;
        console.warn(fault);
      },
    );
  };

  const sync = (): void => {
    void learn();
    talk.sync();
  };

  addStyles(chat.root, panelCss + logCss);
  wrapper.prepend(box);
  sync();
  return {
    draw: sync,
    toggle: () => talk.setOpen(!talk.isOpen, true),
    apply: talk.apply,
    settle: talk.settle,
    hint: talk.hint,
    call,
  };
}
