/** Lets a page's life wake and pause a feed: online, visible, hidden for good, back from the cache. */

import type { Feed } from "./types.ts";

export interface PageWindow {
  addEventListener(type: string, run: () => void): void;
  document: { visibilityState: string };
}

/** Starts the feed when the page is first seen: not while it is prerendered or in the background. */
export function followPage(feed: Pick<Feed, "wake" | "pause">, window: PageWindow): void {
  // The page is hidden again after `pagehide`: waking then would keep it out of the cache.
  const wake = () => window.document.visibilityState === "visible" && feed.wake();
  for (const type of ["online", "pageshow", "visibilitychange"])
    window.addEventListener(type, wake);
  window.addEventListener("pagehide", feed.pause);
  wake();
}
