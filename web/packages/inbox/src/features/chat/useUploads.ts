import { useLingui } from "@lingui/react/macro";
import { ApiError, type FileLimits, type Upload, uploadFile } from "@omnibox/api";
import { useCallback, useEffect, useRef, useState } from "react";
import { newId, useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import { bytes } from "../../ui/time.ts";
import { type FileFault, fileFault } from "./policy.ts";

export interface Chosen {
  key: string;
  name: string;
  size: number;
  share: number;
  upload: Upload | null;
  fault: string | null;
}

/** The files beside a reply: checked before they leave, sent at once, each with its progress or its fault. */
export function useUploads(limits: FileLimits | null) {
  const { t, i18n } = useLingui();
  const { store } = useServices();
  const reason = useReason();
  const [files, setFiles] = useState<readonly Chosen[]>([]);
  const aborts = useRef(new Map<string, AbortController>());
  const change = (key: string, to: Partial<Chosen>) =>
    setFiles((old) => old.map((file) => (file.key === key ? { ...file, ...to } : file)));

  const words = useCallback(
    (fault: FileFault): string => {
      const most = Math.min(limits?.bytes ?? 0, store.limits().file_bytes);
      const size = bytes(most, i18n.locale);
      const count = limits?.count ?? 0;
      const types = limits?.types.join(", ") ?? "";
      return {
        none_taken: t`This channel takes no files.`,
        too_many: t`This channel takes at most ${count} files in one reply.`,
        too_large: t`Larger than ${size}.`,
        wrong_type: t`This channel takes only: ${types}.`,
        empty: t`The file is empty.`,
      }[fault];
    },
    [t, i18n.locale, limits, store],
  );

  const send = async (key: string, file: File) => {
    const abort = new AbortController();
    aborts.current.set(key, abort);
    try {
      const upload = await uploadFile(file, (share) => change(key, { share }), abort.signal);
      change(key, { upload, share: 1 });
    } catch (error) {
      if (!(error instanceof ApiError && error.code === "aborted"))
        change(key, { fault: reason(error) });
    }
    aborts.current.delete(key);
  };

  const add = (chosen: readonly File[]): void => {
    let count = files.filter(({ fault }) => fault === null).length;
    for (const file of chosen) {
      const fault = fileFault(file, count, limits, store.limits().file_bytes);
      const key = newId();
      const entry = { key, name: file.name, size: file.size, share: 0, upload: null };
      setFiles((old) => [...old, { ...entry, fault: fault && words(fault) }]);
      if (fault) continue;
      count++;
      void send(key, file);
    }
  };

  useEffect(
    () => () => {
      for (const abort of aborts.current.values()) abort.abort();
    },
    [],
  );

  return {
    files,
    add,
    remove: (key: string): void => {
      aborts.current.get(key)?.abort();
      setFiles((old) => old.filter((file) => file.key !== key));
    },
    clear: (): void => setFiles([]),
    restore: (uploads: readonly Upload[]): void =>
      setFiles(
        uploads.map((upload) => ({
          key: upload.id,
          name: upload.name,
          size: upload.size,
          share: 1,
          upload,
          fault: null,
        })),
      ),
    ready: files.flatMap(({ upload }) => (upload ? [upload] : [])),
    isBusy: files.some(({ upload, fault }) => upload === null && fault === null),
    hasFault: files.some(({ fault }) => fault !== null),
  };
}

export type Uploads = ReturnType<typeof useUploads>;
