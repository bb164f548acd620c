import type { Id } from "@omnibox/api";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { steady } from "./steady.ts";

const IDLE_MS = 4_000; // a pointer that rests this long does not aim at a row

/** Keeps the order while the pointer moves over the list; `show` lets the waiting rows in. */
export function useHeld(live: readonly Id[], listName: string) {
  const [held, setHeld] = useState<{ name: string; ids: readonly Id[] } | null>(null);
  const timer = useRef<number>(undefined);
  const ids = held?.name === listName ? held.ids : null;
  const shown = useMemo(() => steady(ids, live), [ids, live]);

  const release = useCallback(() => {
    window.clearTimeout(timer.current);
    setHeld(null);
  }, []);
  useEffect(() => () => window.clearTimeout(timer.current), []);

  const hold = useCallback(() => {
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(release, IDLE_MS);
    setHeld((old) => (old?.name === listName ? old : { name: listName, ids: live }));
  }, [release, listName, live]);

  return { ...shown, hold, release };
}
