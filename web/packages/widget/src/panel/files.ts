/** Files both ways; the token travels in a header, never in an address. */

import type { Chat, UploadedFile } from "../types.ts";

export interface Upload {
  file: File;
  /** From 0 to 1. */
  progress: number;
  uploaded?: UploadedFile;
  cancel(): void;
}

const fileUrl = (chat: Chat, path: string) => `${chat.base}files${path}?site=${chat.data.site}`;
const tokenOf = (chat: Chat) => `Bearer ${chat.storage.getItem("token") ?? ""}`;

/** Sends the file; `onChange` hears of progress and success, `onFail` of the rest. */
export function upload(
  chat: Chat,
  file: File,
  onChange: () => void,
  onFail: (status: number) => void,
): Upload {
  const request = new XMLHttpRequest(); // fetch tells no upload progress
  const state: Upload = { file, progress: 0, cancel: () => request.abort() };
  request.upload.onprogress = ({ loaded, total }) => {
    state.progress = loaded / (total || 1);
    onChange();
  };
  request.onload = () => {
    if (request.status !== 201) return onFail(request.status);
    state.progress = 1;
    state.uploaded = JSON.parse(request.responseText);
    onChange();
  };
  request.onerror = () => onFail(0);
  const form = new FormData();
  form.append("file", file);
  request.open("POST", fileUrl(chat, ""));
  request.setRequestHeader("Authorization", tokenOf(chat));
  request.send(form);
  return state;
}

const kept = new Map<string, Promise<Blob>>();

/** The bytes of an attachment; asked for once, again after a failure. */
export function loadFile(chat: Chat, key: string): Promise<Blob> {
  const known = kept.get(key);
  if (known) return known;
  const loading = fetch(fileUrl(chat, `/${key}`), {
    headers: { Authorization: tokenOf(chat) },
    credentials: "omit",
  }).then((answer) => {
    if (!answer.ok) throw new Error(`${answer.status}`);
    return answer.blob();
  });
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
