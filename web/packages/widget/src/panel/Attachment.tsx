import { useEffect, useRef, useState } from "preact/hooks";
import type { Attachment as File } from "../types.ts";
import { loadFile, saveFile } from "./files.ts";
import { Icon } from "./Icon.tsx";
import { sizeText } from "./times.ts";
import type { View } from "./View.ts";

const isBitmap = (type: string) => /^image\/(png|jpeg|gif|webp)$/.test(type);
const LONGEST = 240;

/** Drawn on a canvas: a page's policy may refuse images, it never refuses these. */
function Picture({ view, file, fail }: { view: View; file: File & { key: string }; fail(): void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let isGone = false;
    const draw = async () => {
      const bitmap = await createImageBitmap(await loadFile(view.talk.chat, file.key));
      if (isGone || !canvas.current) return;
      const { style } = canvas.current;
      const shrink = Math.min(1, LONGEST / Math.max(bitmap.width, bitmap.height));
      style.width = `${bitmap.width * shrink}px`;
      style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
      canvas.current.width = Math.min(bitmap.width, bitmap.width * shrink * 2);
      canvas.current.height = Math.min(bitmap.height, bitmap.height * shrink * 2);
      const { width, height } = canvas.current;
      canvas.current.getContext("2d")?.drawImage(bitmap, 0, 0, width, height);
    };
    draw().catch(fail);
    return () => {
      isGone = true;
    };
  }, [file.key]);
  return <canvas ref={canvas} />;
}

export function Attachment({ view, file }: { view: View; file: File }) {
  const [isFailed, setFailed] = useState(false);
  const { t, talk, language } = view;
  const name = file.name ?? t("file");
  const { key } = file;
  const fail = () => setFailed(true);
  const isReady = key !== null && file.state === "ready";
  const save = () => {
    setFailed(false);
    if (key) saveFile(talk.chat, key, name).catch(fail);
  };
  return (
    <>
      <button
        type="button"
        class="file"
        disabled={!isReady}
        aria-label={t("download", { name })}
        onClick={save}
      >
        {isReady && isBitmap(file.content_type) && !isFailed ? (
          <Picture view={view} file={{ ...file, key }} fail={fail} />
        ) : (
          <>
            <Icon name="file" />
            <span>
              {name}
              {file.size !== null && <small>{sizeText(file.size, language)}</small>}
            </span>
          </>
        )}
      </button>
      {isFailed && <p class="fault">{t("file_failed", { name })}</p>}
    </>
  );
}
