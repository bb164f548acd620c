import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Message } from "../types.ts";
import { Attachment } from "./Attachment.tsx";
import { Avatar } from "./Header.tsx";
import { Icon } from "./Icon.tsx";
import type { Failed, Waiting } from "./talk.ts";
import { linked } from "./text.tsx";
import { dayName, isSameDay, timeOfDay } from "./times.ts";
import type { View } from "./View.ts";

const GROUP_MS = 180_000;
const NEAR_PX = 60;

const isGrouped = (one: Message | undefined, next: Message | undefined): boolean =>
  !!one &&
  !!next &&
  one.kind === next.kind &&
  one.author?.name === next.author?.name &&
  isSameDay(one.at, next.at) &&
  Date.parse(next.at) - Date.parse(one.at) < GROUP_MS;

function Bubble({
  view,
  message,
  before,
  after,
}: {
  view: View;
  message: Message;
  before: Message | undefined;
  after: Message | undefined;
}) {
  const { t, language } = view;
  if (message.kind === "line") return <p class="line">{message.text}</p>;
  const isOwn = message.kind === "inbound";
  const name = message.author?.name ?? t("team");
  const isLast = !isGrouped(message, after);
  return (
    <div class={`row ${isOwn ? "own" : "their"} ${isLast ? "last" : ""}`}>
      {!isOwn && (isLast ? <Avatar name={name} /> : <span class="avatar none" />)}
      <div class="said">
        {!isGrouped(before, message) &&
          (isOwn ? <span class="sr">{t("you")}</span> : <bdi class="name">{name}</bdi>)}
        {message.is_deleted ? (
          <p class="bubble gone">{t("deleted")}</p>
        ) : (
          <>
            {message.text && (
              <p class="bubble" dir="auto">
                {linked(message.text)}
              </p>
            )}
            {message.attachments.map((file) => (
              <Attachment key={file.id} view={view} file={file} />
            ))}
          </>
        )}
        {isLast && <time dateTime={message.at}>{timeOfDay(message.at, language)}</time>}
      </div>
    </div>
  );
}

const OwnRow = ({
  view,
  own,
  children,
}: {
  view: View;
  own: Waiting;
  children: ComponentChildren;
}) => (
  <div class="row own last">
    <div class="said">
      {own.text && (
        <p class="bubble" dir="auto">
          {linked(own.text)}
        </p>
      )}
      {own.files.map((name, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the list of a sent message never changes
        <span key={index} class="file">
          <Icon name="file" />
          <span>{name || view.t("file")}</span>
        </span>
      ))}
      {children}
    </div>
  </div>
);

const FailedRow = ({ view, failed }: { view: View; failed: Failed }) => (
  <OwnRow view={view} own={view.talk.shapeOf(failed.op)}>
    <small class="state fault">
      {failed.why ?? view.t("failed")}{" "}
      <button type="button" class="link" onClick={() => view.talk.retry(failed)}>
        {view.t("retry")}
      </button>
    </small>
  </OwnRow>
);

function Earlier({ view }: { view: View }) {
  const [state, setState] = useState<"" | "loading" | "failed">("");
  const load = () => {
    setState("loading");
    view.talk.loadEarlier().then(
      () => setState(""),
      () => setState("failed"),
    );
  };
  return (
    <p class="line">
      {state === "failed" && <span class="fault">{view.t("earlier_failed")} </span>}
      <button type="button" class="link" disabled={state === "loading"} onClick={load}>
        {state === "failed" ? view.t("retry") : view.t("earlier")}
      </button>
    </p>
  );
}

const Skeleton = () => (
  <div class="skeleton" aria-hidden="true">
    <i />
    <i />
    <i />
  </div>
);

function Greeting({ view: { config, t } }: { view: View }) {
  if (!config) return null;
  const isAsking = !config.online && config.ask_email;
  return (
    <div class="row their last">
      <Avatar name={config.team[0]?.name ?? config.title} />
      <div class="said">
        {config.greeting && <p class="bubble">{linked(config.greeting)}</p>}
        {!config.online && config.offline_text && (
          <p class="bubble">{linked(config.offline_text)}</p>
        )}
        {isAsking && <p class="bubble">{t("ask_email")}</p>}
      </div>
    </div>
  );
}

export function Log({ view }: { view: View }) {
  const { talk, t, language } = view;
  const { messages } = talk;
  const box = useRef<HTMLDivElement>(null);
  const last = useRef({ height: 0, firstId: 0, isAtEnd: true, waiting: 0 });
  const waiting = talk.waiting();

  useLayoutEffect(() => {
    const node = box.current;
    if (!node) return;
    const { height, firstId, isAtEnd } = last.current;
    const isOwn = waiting.length > last.current.waiting;
    const hasEarlier = firstId > (messages[0]?.id ?? firstId);
    if (hasEarlier) node.scrollTop += node.scrollHeight - height;
    else if (isAtEnd || isOwn) node.scrollTop = node.scrollHeight;
    last.current.height = node.scrollHeight;
    last.current.firstId = messages[0]?.id ?? 0;
    last.current.waiting = waiting.length;
  });

  const noteScroll = () => {
    const node = box.current;
    if (node)
      last.current.isAtEnd = node.scrollHeight - node.scrollTop - node.clientHeight < NEAR_PX;
  };

  const firstNew = messages.find(({ kind, id }) => kind === "outbound" && id > talk.seenId);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled box must be reachable by keyboard
    <div
      class="log"
      role="log"
      aria-live="off"
      aria-label={t("messages")}
      tabIndex={0}
      ref={box}
      onScroll={noteScroll}
    >
      {!talk.chat.welcome && !messages.length && <Skeleton />}
      {talk.hasMore ? <Earlier view={view} /> : <Greeting view={view} />}
      {messages.map((message, index) => {
        const before = messages[index - 1];
        const isNewDay = !before || !isSameDay(before.at, message.at);
        return (
          <div key={message.id}>
            {isNewDay && <p class="line day">{dayName(message.at, language)}</p>}
            {message === firstNew && talk.seenId > 0 && (
              <p class="line fresh">
                <span>{t("new")}</span>
              </p>
            )}
            <Bubble view={view} message={message} before={before} after={messages[index + 1]} />
          </div>
        );
      })}
      {waiting.map((op) => (
        <OwnRow key={op.client_id} view={view} own={op}>
          <small class="state">{t("sending")}</small>
        </OwnRow>
      ))}
      {talk.failed.map((failed) => (
        <FailedRow key={failed.op.client_id} view={view} failed={failed} />
      ))}
      {talk.typist !== undefined && (
        <div class="row their last">
          <Avatar name={talk.typist || t("team")} />
          <p class="bubble dots">
            <i />
            <i />
            <i />
            <span class="sr">{t("typing", { name: talk.typist || t("team") })}</span>
          </p>
        </div>
      )}
    </div>
  );
}
