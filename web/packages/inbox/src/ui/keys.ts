/** Single keys act outside of fields and dialogs only, and can be switched off. */

import { useEffect, useRef } from "react";
import { storage } from "../app/services.ts";

export type Keys = Record<string, ((event: KeyboardEvent) => void) | undefined>;

const FIELDS = "input, textarea, select, [contenteditable=true]";

const isBusy = (target: EventTarget | null): boolean =>
  target instanceof Element &&
  (target.closest(FIELDS) !== null || document.querySelector("[role=dialog]") !== null);

export const areKeysOn = (): boolean => storage.getItem("keys") !== "off";
export const setKeysOn = (isOn: boolean): void => storage.setItem("keys", isOn ? "on" : "off");

/** Runs the entry named by `event.key`, letters in lower case. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const run = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const isLetter = event.key.length === 1;
      if ((isLetter && !areKeysOn()) || isBusy(event.target)) return;
      const act = latest.current[isLetter ? event.key.toLowerCase() : event.key];
      if (!act) return;
      event.preventDefault();
      act(event);
    };
    window.addEventListener("keydown", run);
    return () => window.removeEventListener("keydown", run);
  }, []);
}
