/** Files both ways. */

import { answerTo, tokenOf, urlOf } from "../panel/requests.ts";
import type { Chat, UploadedFile } from "../types.ts";

/** Sends the file; rejects with the status of a refusal, 0 without a net. */
export function upload(
  chat: Chat,
  file: File,
  onProgress: (share: number) => void,
): { cancel(): void; done: Promise<UploadedFile> } {
  const request = new XMLHttpRequest(); // fetch tells no upload progress
  const form = new FormData();
  form.append("file", file);
  const done = new Promise<UploadedFile>((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
    request.onloadend = () =>
      request.status === 201 ? resolve(JSON.parse(request.responseText)) : reject(request.status);
    request.open("POST", urlOf(chat, "files"));
    request.setRequestHeader("Authorization", tokenOf(chat));
    request.send(form);
  });
  return { cancel: () => request.abort(), done };
}

const kept = new Map<string, Promise<Blob>>();

/** The bytes of an attachment; asked for once, again after a failure. */
function loadFile(chat: Chat, key: string): Promise<Blob> {
  const loading = kept.get(key) ?? answerTo(chat, `files/${key}`).then((answer) => answer.blob());
  kept.set(key, loading);
  loading.catch(() => kept.delete(key));
  return loading;
}

/** Saves to the visitor's disk. Never opened: a blob's page would run as the host page. */
export async function saveFile(chat: Chat, key: string, name: string): Promise<void> {
  const bytes = await loadFile(chat, key);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(bytes.slice(0, bytes.size, "application/octet-stream"));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const LONGEST_PX = 240;

/** Draws a picture; a page's policy may refuse image elements, it never refuses a canvas. */
export async function paint(chat: Chat, key: string, canvas: HTMLCanvasElement): Promise<void> {
  if (canvas.dataset.key === key) return;
  canvas.dataset.key = key;
  const bitmap = await createImageBitmap(await loadFile(chat, key));
  const shrink = Math.min(1, LONGEST_PX / Math.max(bitmap.width, bitmap.height));
  const scale = Math.min(1, shrink * 2); // sharp on dense screens
  canvas.width = bitmap.width * scale;
  canvas.height = bitmap.height * scale;
  canvas.style.width = `${bitmap.width * shrink}px`;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
}
