import { useLingui } from "@lingui/react";
import { ago, fullTime, useNow } from "./time.ts";

/** The time since then; it advances by itself. */
export function Ago({ time, className }: { time: string; className?: string | undefined }) {
  const locale = useLingui().i18n.locale;
  const text = useNow((now) => ago(time, now, locale));
  return (
    <time dateTime={time} title={fullTime(time, locale)} className={className}>
      {text}
    </time>
  );
}
