import { ApiError } from "@omnibox/api";
import { type FormEvent, useState } from "react";
import { useReason } from "./reasons.ts";

/** The server's own rule; it refuses shorter ones as well. */
export const PASSWORD_LENGTH = 10;

/** A form of texts: its values, its busy state, and where a refusal belongs. */
export function useTexts<K extends string>(initial: Record<K, string>) {
  const reason = useReason();
  const [values, setValues] = useState(initial);
  const [faults, setFaults] = useState<Partial<Record<string, string>>>({});
  const [fault, setFault] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  return {
    values,
    fault,
    faults,
    isBusy,
    field: (name: K) => ({
      name,
      value: values[name],
      error: faults[name],
      onChange: (event: { currentTarget: { value: string } }) => {
        const { value } = event.currentTarget;
        setValues((old) => ({ ...old, [name]: value }));
        setFaults((old) => ({ ...old, [name]: undefined }));
      },
    }),
    set: (next: Partial<Record<K, string>>) => setValues((old) => ({ ...old, ...next })),
    fail: (name: K, words: string) => setFaults((old) => ({ ...old, [name]: words })),
    submit:
      (work: (values: Record<K, string>) => Promise<void>) =>
      async (event: FormEvent): Promise<void> => {
        event.preventDefault();
        if (isBusy) return;
        setBusy(true);
        setFault(null);
        setFaults({});
        try {
          await work(values);
        } catch (error) {
          const fields = error instanceof ApiError ? error.fields : [];
          setFaults(Object.fromEntries(fields.map(({ path, message }) => [path, message])));
          // Said at the fields where the form has them, else above it.
          if (!fields.length || fields.some(({ path }) => !(path in values)))
            setFault(reason(error));
        }
        setBusy(false);
      },
  };
}
