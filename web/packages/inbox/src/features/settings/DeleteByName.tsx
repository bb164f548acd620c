import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { Dialog } from "../../ui/Dialog.tsx";
import { useReason } from "../../ui/reasons.ts";
import { toast } from "../../ui/toast.tsx";
import styles from "./ChannelPanel.module.css";

interface DeleteByNameProps {
  label: string;
  name: string;
  onDelete: () => Promise<void>;
}

/** For what cannot be undone: its name has to be typed. */
export function DeleteByName({ label, name, onDelete }: DeleteByNameProps) {
  const { t } = useLingui();
  const reason = useReason();
  const [isOpen, setOpen] = useState(false);
  const [typed, setTyped] = useState("");
  const isSure = typed.trim() === name.trim();
  const remove = async (event: FormEvent) => {
    event.preventDefault();
    if (!isSure) return;
    try {
      await onDelete();
      setOpen(false);
    } catch (error) {
      toast(reason(error), { isFailure: true });
    }
  };
  return (
    <>
      <Button variant="subtle" color="danger" size="xs" onClick={() => setOpen(true)}>
        {label}
      </Button>
      <Dialog isOpen={isOpen} onClose={() => setOpen(false)} title={t`Delete ${name}?`}>
        <form className={styles.dialog} onSubmit={(event) => void remove(event)}>
          <p>
            <Trans>This cannot be undone. Type the name to confirm.</Trans>
          </p>
          <TextInput
            label={name}
            value={typed}
            data-autofocus
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          <Button type="submit" color="danger" disabled={!isSure}>
            <Trans>Delete</Trans>
          </Button>
        </form>
      </Dialog>
    </>
  );
}
