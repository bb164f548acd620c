import { h } from "preact";
import { Icon } from "./Icon.tsx";
import type { View } from "./View.ts";

/** Of the first two words. */
export const initialsOf = (name: string): string =>
  (name.match(/(?<!\S)\S/gu) ?? []).slice(0, 2).join("").toUpperCase();

export const Avatar = ({ name, isHidden = false }: { name: string; isHidden?: boolean }) => (
  <span class={isHidden ? "avatar none" : "avatar"} aria-hidden="true">
    {initialsOf(name)}
  </span>
);

export function Header({ talk, t, config }: View) {
  const team = config?.team ?? [];
  const isOnline = !!config?.online;
  const names = team.map(({ name }) => name);
  return (
    <header>
      {names.length > 0 && (
        <span class="team">
          {names.slice(0, 3).map((name) => (
            <Avatar key={name} name={name} />
          ))}
        </span>
      )}
      <div class="who">
        <h2 id="title" dir="auto">
          {config?.title}
        </h2>
        {config && (
          <p>
            <i class={isOnline ? "dot on" : "dot"} />
            {isOnline ? t("online") : t("away")}
            {names.length > 0 && ` · ${names.slice(0, 3).join(", ")}`}
          </p>
        )}
      </div>
      <button
        type="button"
        class="quiet"
        aria-label={t("close")}
        onClick={() => talk.setOpen(false, true)}
      >
        <Icon name="close" />
      </button>
    </header>
  );
}
