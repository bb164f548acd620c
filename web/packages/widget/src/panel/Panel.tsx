import { Fragment, h } from "preact";
import { Composer } from "./Composer.tsx";
import { Avatar, Header } from "./Header.tsx";
import { Icon } from "./Icon.tsx";
import { Log } from "./Log.tsx";
import { plural } from "./strings.ts";
import type { View } from "./View.ts";

const NARROW = "(max-width: 480px)";
const FOCUSABLE = "button:not(:disabled), a[href], textarea, [tabindex='0']";

/** Keeps the focus inside the full-screen sheet; the floating panel holds nobody. */
function keepInside(event: KeyboardEvent): void {
  const panel = event.currentTarget as HTMLElement;
  const root = panel.getRootNode() as ShadowRoot;
  const all = [...panel.querySelectorAll<HTMLElement>(FOCUSABLE)];
  const edge = event.shiftKey ? all[0] : all.at(-1);
  if (root.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? all.at(-1) : all[0])?.focus();
}

/** What a screen reader hears: new messages only, a burst as one sentence. */
function Announcement({ talk, t, language }: View) {
  const { news } = talk;
  const last = news.at(-1);
  const name = last?.author?.name ?? t("team");
  const text =
    news.length > 1
      ? `${name}: ${t(plural(language, news.length), { count: news.length })}`
      : last && `${name}: ${last.text}`;
  return (
    <p class="sr" role="status">
      {text}
    </p>
  );
}

const markDrop = (event: DragEvent, isOver: boolean): void => {
  event.preventDefault();
  (event.currentTarget as HTMLElement).toggleAttribute("data-over", isOver);
};

function Sheet(view: View) {
  const { talk, tray, t } = view;
  const isNarrow = matchMedia(NARROW).matches;
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation(); // the page's own shortcuts must not hear what is typed here
    if (event.key === "Escape") talk.setOpen(false, true);
    if (event.key === "Tab" && isNarrow) keepInside(event);
  };
  return (
    <section
      class="panel"
      role="dialog"
      aria-modal={isNarrow}
      aria-labelledby="title"
      onKeyDown={onKeyDown}
      onDragOver={(event) => markDrop(event, true)}
      onDragLeave={(event) => markDrop(event, false)}
      onDrop={(event) => {
        markDrop(event, false);
        tray.add(event.dataTransfer?.files);
      }}
    >
      <Header {...view} />
      <p class="bar" role="status">
        {talk.isLost && t("lost")}
      </p>
      <Log {...view} />
      <Composer {...view} />
    </section>
  );
}

function Teaser({ talk, t }: View) {
  const { teaser } = talk;
  if (!teaser) return null;
  const name = teaser.author?.name ?? t("team");
  return (
    <div class="teaser">
      <button type="button" class="say" onClick={() => talk.setOpen(true, true)}>
        <Avatar name={name} />
        <span>
          <bdi class="name">{name}</bdi>
          <span class="text">{teaser.text || t("file")}</span>
        </span>
      </button>
      <button
        type="button"
        class="quiet small"
        aria-label={t("dismiss")}
        onClick={talk.dismissTeaser}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

export const Panel = (view: View) => (
  <>
    {view.talk.isOpen ? <Sheet {...view} /> : <Teaser {...view} />}
    <Announcement {...view} />
  </>
);
