/** The host element, its shadow root and the round button. */

import css from "./launcher.css?inline";
import { addStyles } from "./styles.ts";
import type { Config } from "./types.ts";

/** Everything hangs on `<html>`: a transformed or clipped `<body>` cannot move it. */
export function createLauncher() {
  const host = document.createElement("omnibox-chat");
  const root = host.attachShadow({ mode: "open" });
  const wrapper = root.appendChild(document.createElement("aside"));
  const launcher = wrapper.appendChild(document.createElement("button"));
  wrapper.ariaLabel = launcher.ariaLabel = "Chat";
  addStyles(root, css);

  /** Puts the widget back where a page has replaced its own elements. */
  const attach = (): void => {
    const page = document.documentElement;
    if (host.isConnected) return;
    page.append(host);
    observer.observe(page, { childList: true });
  };
  const observer = new MutationObserver(attach);

  const draw = (data: DOMStringMap, config?: Config): void => {
    wrapper.style.setProperty("--color", config?.color ?? data.color ?? "");
    wrapper.dataset.side = data.side ?? config?.side;
    attach();
  };

  const remove = (): void => {
    observer.disconnect();
    host.remove();
  };

  return { root, wrapper, launcher, draw, remove };
}
