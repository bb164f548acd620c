/** One message: what was said, its files, who and when. */

import { type ComponentChildren, Fragment, h } from "preact";
import type { Attachment, Message } from "../types.ts";
import { loadExtra } from "./chunks.ts";
import { Avatar } from "./Header.tsx";
import { Icon } from "./Icon.tsx";
import type { Waiting } from "./talk.ts";
import { linked } from "./text.tsx";
import { isSameDay, sizeText, timeOfDay } from "./times.ts";
import type { View } from "./View.ts";

const GROUP_MS = 180_000;
const BITMAP = /^image\/(png|jpeg|gif|webp)$/;

type Extra = Awaited<ReturnType<typeof loadExtra>>;

const broken = new Set<string>();

export const Said = ({ text }: { text: string }) => (
  <p class="bubble" dir="auto">
    {linked(text)}
  </p>
);

function FileButton({ view, file }: { view: View; file: Attachment }) {
  const { t, talk, language, changed } = view;
  const name = file.name || t("file");
  const key = file.state === "ready" ? file.key : null;
  const fail = () => {
    broken.add(`${key}`);
    changed();
  };
  const use = (work: (extra: Extra) => Promise<void>) =>
    loadExtra(talk.chat.base).then(work).catch(fail);
  const isPicture = key && BITMAP.test(file.content_type) && !broken.has(key);
  return (
    <>
      <button
        type="button"
        class="file"
        disabled={!key}
        aria-label={isPicture ? t("download", { name }) : undefined}
        onClick={() => key && use(({ saveFile }) => saveFile(talk.chat, key, name))}
      >
        {isPicture ? (
          <canvas
            ref={(node) => {
              if (node) use(({ paint }) => paint(talk.chat, key, node));
            }}
          />
        ) : (
          <>
            <Icon name="file" />
            <span>
              {name}
              {file.size && <small>{sizeText(file.size, language)}</small>}
            </span>
          </>
        )}
      </button>
      {key && broken.has(key) && <p class="fault">{t("file_failed", { name })}</p>}
    </>
  );
}

/** True when the second goes on where the first ended: no name or time between. */
const isGrouped = (one: Message | undefined, next: Message | undefined): boolean =>
  !!one &&
  !!next &&
  one.kind === next.kind &&
  one.author?.name === next.author?.name &&
  isSameDay(one.at, next.at) &&
  Date.parse(next.at) - Date.parse(one.at) < GROUP_MS;

export function Bubble({
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
  const { kind, text, at } = message;
  if (kind === "line") return <p class="line">{text}</p>;
  const isOwn = kind === "inbound";
  const name = isOwn ? t("you") : (message.author?.name ?? t("team"));
  const isLast = !isGrouped(message, after);
  return (
    <div class={`row ${isOwn ? "own" : "their"} ${isLast ? "last" : ""}`}>
      {!isOwn && <Avatar name={name} isHidden={!isLast} />}
      <div class="said">
        {!isGrouped(before, message) && <bdi class={isOwn ? "sr" : "name"}>{name}</bdi>}
        {message.is_deleted ? (
          <p class="bubble gone">{t("deleted")}</p>
        ) : (
          text && <Said text={text} />
        )}
        {message.attachments.map((file) => (
          <FileButton key={file.id} view={view} file={file} />
        ))}
        {isLast && <time dateTime={at}>{timeOfDay(at, language)}</time>}
      </div>
    </div>
  );
}

/** An own message that has no place in the history yet. */
export const OwnRow = ({
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
      {own.text && <Said text={own.text} />}
      {own.files.map((name) => (
        <span class="file">
          <Icon name="file" />
          <span>{name || view.t("file")}</span>
        </span>
      ))}
      <small class="state">{children}</small>
    </div>
  </div>
);
