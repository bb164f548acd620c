import { Component, h } from "preact";
import { Bubble, OwnRow, Said } from "./Bubble.tsx";
import { Avatar } from "./Header.tsx";
import { dayName, isSameDay } from "./times.ts";
import type { View } from "./View.ts";

const NEAR_PX = 60;

const Earlier = ({ talk, t }: View) => (
  <p class="line">
    {talk.earlier === "failed" && <span class="fault">{t("earlier_failed")} </span>}
    <button
      type="button"
      class="link"
      disabled={talk.earlier === "loading"}
      onClick={talk.loadEarlier}
    >
      {talk.earlier === "failed" ? t("retry") : t("earlier")}
    </button>
  </p>
);

const Skeleton = () => (
  <div class="skeleton" aria-hidden="true">
    <i />
    <i />
    <i />
  </div>
);

function Greeting({ config, t }: View) {
  if (!config) return null;
  const { online, greeting, offline_text, team, title } = config;
  const texts = [
    greeting,
    !online && offline_text,
    !online && config.ask_email && t("ask_email"),
  ].filter(Boolean);
  if (!texts.length) return null;
  return (
    <div class="row their last">
      <Avatar name={team[0]?.name ?? title} />
      <div class="said">
        {texts.map((text) => (
          <Said text={`${text}`} />
        ))}
      </div>
    </div>
  );
}

function Typist({ talk, t }: View) {
  if (talk.typist === undefined) return null;
  const name = talk.typist || t("team");
  return (
    <div class="row their typist">
      <Avatar name={name} />
      <p class="bubble dots">
        <i />
        <i />
        <i />
        <span class="sr">{t("typing", { name })}</span>
      </p>
    </div>
  );
}

export class Log extends Component<View> {
  private box: HTMLElement | null = null;
  private isAtEnd = true;
  private height = 0;
  private firstId = 0;
  private waiting = 0;

  override componentDidMount(): void {
    this.componentDidUpdate();
  }

  /** Stays at the end, or where the reader is when earlier messages come in above. */
  override componentDidUpdate(): void {
    const { box } = this;
    if (!box) return;
    const firstId = this.props.talk.messages[0]?.id ?? 0;
    const waiting = this.props.talk.waiting().length;
    if (firstId < this.firstId) box.scrollTop += box.scrollHeight - this.height;
    else if (this.isAtEnd || waiting > this.waiting) box.scrollTop = box.scrollHeight;
    Object.assign(this, { firstId, waiting, height: box.scrollHeight });
  }

  override render(view: View) {
    const { talk, t, language } = view;
    const { messages, seenId } = talk;
    const firstNew = seenId && messages.find(({ kind, id }) => kind === "outbound" && id > seenId);
    return (
      <div
        class="log"
        role="log"
        aria-live="off"
        aria-label={t("messages")}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box must be reachable by keyboard
        tabIndex={0}
        ref={(node) => {
          this.box = node;
        }}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          this.isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_PX;
        }}
      >
        {!talk.chat.welcome && <Skeleton />}
        {talk.hasMore ? <Earlier {...view} /> : <Greeting {...view} />}
        {messages.map((message, index) => {
          const before = messages[index - 1];
          const isNewDay = !before || !isSameDay(before.at, message.at);
          return (
            <div key={message.id}>
              {isNewDay && <p class="line">{dayName(message.at, language)}</p>}
              {message === firstNew && <p class="line fresh">{t("new")}</p>}
              <Bubble view={view} message={message} before={before} after={messages[index + 1]} />
            </div>
          );
        })}
        {talk.waiting().map((own) => (
          <OwnRow key={own.client_id} view={view} own={own}>
            {t("sending")}
          </OwnRow>
        ))}
        {talk.failed.map((failed) => (
          <OwnRow key={failed.op.client_id} view={view} own={talk.shapeOf(failed.op)}>
            <span class="fault">{(language === "en" && failed.why) || t("failed")}</span>{" "}
            <button type="button" class="link" onClick={() => talk.retry(failed)}>
              {t("retry")}
            </button>
          </OwnRow>
        ))}
        <Typist {...view} />
      </div>
    );
  }
}
