/** The files chosen for the next message, and the one line that tells what went wrong. */

import type { UploadedFile } from "../types.ts";
import { loadExtra } from "./chunks.ts";
import type { StringKey } from "./strings.ts";
import type { Talk } from "./talk.ts";

export interface Upload {
  name: string;
  size: number;
  /** From 0 to 1. */
  progress: number;
  uploaded?: UploadedFile;
  remove(): void;
}

export interface Tray {
  uploads: Upload[];
  notice: StringKey | "";
  /** The name of the file that the notice is about. */
  about: string;
  add(files: Iterable<File> | undefined): void;
  limit(): number;
}

export function createTray({ chat }: Talk, changed: () => void): Tray {
  const warn = (notice: StringKey, about: string): void => {
    Object.assign(tray, { notice, about });
    changed();
  };

  const start = async (file: File): Promise<void> => {
    const { name, size } = file;
    let cancel = (): void => {};
    const item: Upload = {
      name,
      size,
      progress: 0,
      remove: () => {
        tray.uploads = tray.uploads.filter((each) => each !== item);
        cancel();
        changed();
      },
    };
    tray.uploads = [...tray.uploads, item];
    changed();
    try {
      const { upload } = await loadExtra(chat.base);
      const sending = upload(chat, file, (share) => {
        item.progress = share;
        changed();
      });
      cancel = sending.cancel;
      item.uploaded = await sending.done;
      changed();
    } catch (status) {
      if (!tray.uploads.includes(item)) return;
      item.remove();
      warn(status === 413 ? "too_large" : "not_uploaded", name);
    }
  };

  const tray: Tray = {
    uploads: [],
    notice: "",
    about: "",
    add: (files) => {
      for (const file of files ?? [])
        if (file.size > tray.limit()) warn("too_large", file.name);
        else void start(file);
    },
    limit: () => chat.welcome?.limits.file_bytes ?? 1e7,
  };
  return tray;
}
