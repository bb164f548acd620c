import { Component, h } from "preact";
import { Icon } from "./Icon.tsx";
import { sizeText } from "./times.ts";
import type { Upload } from "./tray.ts";
import type { View } from "./View.ts";

const TALLEST_PX = 132;

const Chip = ({ view, item }: { view: View; item: Upload }) => (
  <li class="chip">
    <span>{item.name}</span>
    {item.uploaded ? (
      <small>{sizeText(item.size, view.language)}</small>
    ) : (
      <progress value={item.progress} aria-label={item.name} />
    )}
    <button
      type="button"
      class="quiet small"
      aria-label={view.t("remove", { name: item.name })}
      onClick={item.remove}
    >
      <Icon name="close" />
    </button>
  </li>
);

/** How many characters the text is over the limit; negative below it. */
const overOf = ({ talk }: View) => talk.draft.length - (talk.chat.welcome?.limits.text ?? 5000);

function noticeOf(view: View): string {
  const { tray, t, language } = view;
  const over = overOf(view);
  if (over > 0) return t("too_long", { count: over });
  const size = sizeText(tray.limit(), language);
  return tray.notice && t(tray.notice, { name: tray.about, size });
}

const canSend = (view: View): boolean =>
  overOf(view) <= 0 &&
  view.tray.uploads.every(({ uploaded }) => uploaded) &&
  (!!view.talk.draft.trim() || view.tray.uploads.length > 0);

export class Composer extends Component<View> {
  private area: HTMLTextAreaElement | null = null;
  private picker: HTMLInputElement | null = null;

  override componentDidMount(): void {
    this.componentDidUpdate();
  }

  /** The field grows with its text, and takes the focus when the panel was just opened. */
  override componentDidUpdate(): void {
    const { area } = this;
    const { talk } = this.props;
    if (!area) return;
    if (area.value !== talk.draft) area.value = talk.draft;
    area.style.height = "auto";
    area.style.height = `${Math.min(area.scrollHeight, TALLEST_PX)}px`;
    if (talk.wantsFocus) area.focus({ preventScroll: true });
    talk.wantsFocus = false;
  }

  private write(text: string): void {
    const { talk, tray, changed } = this.props;
    talk.draft = text;
    tray.notice = "";
    if (text) talk.hintTyping();
    changed();
  }

  private isSending = false;

  private readonly send = async (event: Event): Promise<void> => {
    event.preventDefault();
    const { talk, tray, changed } = this.props;
    if (this.isSending || !canSend(this.props)) return;
    this.isSending = true;
    const files = tray.uploads.flatMap(({ uploaded }) => uploaded ?? []);
    const { draft } = talk;
    try {
      tray.notice = await talk.send(draft, files);
      if (tray.notice !== "full") {
        talk.draft = talk.draft.slice(draft.length); // what was typed meanwhile stays
        tray.uploads = [];
        talk.wantsFocus = true;
      }
    } catch {
      tray.notice = "failed";
    }
    this.isSending = false;
    changed();
  };

  override render(view: View) {
    const { tray, t } = view;
    return (
      <form class="composer" onSubmit={this.send}>
        <p class="notice" role="status">
          {noticeOf(view)}
        </p>
        <ul>
          {tray.uploads.map((item) => (
            <Chip view={view} item={item} />
          ))}
        </ul>
        <div class="field">
          <button
            type="button"
            class="quiet"
            aria-label={t("attach")}
            onClick={() => this.picker?.click()}
          >
            <Icon name="attach" />
          </button>
          <input
            ref={(node) => {
              this.picker = node;
            }}
            type="file"
            multiple
            hidden
            onChange={({ currentTarget }) => {
              tray.add(currentTarget.files ?? []);
              currentTarget.value = "";
            }}
          />
          <textarea
            ref={(node) => {
              this.area = node;
            }}
            rows={1}
            dir="auto"
            aria-label={t("write")}
            placeholder={t("write")}
            onInput={({ currentTarget }) => this.write(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.send(event);
            }}
            onPaste={({ clipboardData }) => tray.add(clipboardData?.files)}
          />
          <button type="submit" class="send" aria-label={t("send")} disabled={!canSend(view)}>
            <Icon name="send" />
          </button>
        </div>
      </form>
    );
  }
}
