import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { type Upload, upload } from "./files.ts";
import { Icon } from "./Icon.tsx";
import { sizeText } from "./times.ts";
import type { View } from "./View.ts";

const TALLEST = 132;

/** Notices of one line, and the files that wait to be sent. */
export interface Tray {
  uploads: Upload[];
  notice: string;
  add(files: FileList | File[] | undefined): void;
}

/** The files chosen so far; `redraw` is called when one of them moves on. */
export function useTray(view: View): Tray & { clear(): void; setNotice(text: string): void } {
  const [uploads, setUploads] = useState<Upload[]>([]);
  const [notice, setNotice] = useState("");
  const [, redraw] = useState(0);
  const { t, talk, language } = view;
  const limit = talk.chat.welcome?.limits.file_bytes ?? Number.POSITIVE_INFINITY;

  const start = (file: File): void => {
    if (file.size > limit) {
      setNotice(t("too_large", { name: file.name, size: sizeText(limit, language) }));
      return;
    }
    const fail = (status: number) => {
      setUploads((all) => all.filter((each) => each !== started));
      setNotice(
        status === 413
          ? t("too_large", { name: file.name, size: sizeText(limit, language) })
          : t("not_uploaded", { name: file.name }),
      );
    };
    const started = upload(talk.chat, file, () => redraw(Math.random()), fail);
    const { cancel } = started;
    started.cancel = () => {
      cancel();
      setUploads((all) => all.filter((each) => each !== started));
    };
    setUploads((all) => [...all, started]);
  };

  return {
    uploads,
    notice,
    setNotice,
    clear: () => setUploads([]),
    add: (files) => {
      setNotice("");
      for (const file of files ?? []) start(file);
    },
  };
}

const Chip = ({ view, item }: { view: View; item: Upload }) => (
  <li class="chip">
    <span>{item.file.name}</span>
    {item.uploaded ? (
      <small>{sizeText(item.file.size, view.language)}</small>
    ) : (
      <progress value={item.progress} aria-label={item.file.name} />
    )}
    <button
      type="button"
      class="quiet small"
      aria-label={view.t("remove", { name: item.file.name })}
      onClick={item.cancel}
    >
      <Icon name="close" />
    </button>
  </li>
);

export function Composer({ view, tray }: { view: View; tray: ReturnType<typeof useTray> }) {
  const { talk, t, config } = view;
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [, redraw] = useState(0);
  const limit = talk.chat.welcome?.limits.text ?? 5000;
  const over = talk.draft.length - limit;
  const files = tray.uploads.flatMap(({ uploaded }) => uploaded ?? []);
  const isBusy = files.length < tray.uploads.length;
  const canSend = (!!talk.draft.trim() || files.length > 0) && over <= 0 && !isBusy;

  useLayoutEffect(() => {
    const node = area.current;
    if (!node) return;
    if (node.value !== talk.draft) node.value = talk.draft;
    node.style.height = "auto";
    node.style.height = `${Math.min(node.scrollHeight, TALLEST)}px`;
    if (!talk.wantsFocus) return;
    talk.wantsFocus = false;
    node.focus({ preventScroll: true });
  });

  const write = (text: string): void => {
    talk.draft = text;
    if (tray.notice) tray.setNotice("");
    if (text) talk.hintTyping();
    redraw(Math.random());
  };

  const send = (): void => {
    if (!canSend) return;
    const { isSent, isMasked } = talk.send(talk.draft, files);
    tray.setNotice(isSent ? (isMasked ? t("card") : "") : t("full"));
    if (!isSent) return;
    tray.clear();
    talk.draft = "";
    redraw(Math.random());
    area.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p class="notice" role="status">
        {over > 0 ? t("too_long", { count: over }) : tray.notice}
      </p>
      {tray.uploads.length > 0 && (
        <ul>
          {tray.uploads.map((item) => (
            <Chip key={item.file} view={view} item={item} />
          ))}
        </ul>
      )}
      <div class="field">
        <button
          type="button"
          class="quiet"
          aria-label={t("attach")}
          onClick={() => picker.current?.click()}
        >
          <Icon name="attach" />
        </button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={({ currentTarget }) => {
            tray.add([...(currentTarget.files ?? [])]);
            currentTarget.value = "";
          }}
        />
        <textarea
          ref={area}
          rows={1}
          dir="auto"
          aria-label={t("write")}
          placeholder={t("write")}
          lang={config?.lang === "auto" ? undefined : config?.lang}
          onInput={({ currentTarget }) => write(currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={({ clipboardData }) => tray.add(clipboardData?.files)}
        />
        <button type="submit" class="send" aria-label={t("send")} disabled={!canSend}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
