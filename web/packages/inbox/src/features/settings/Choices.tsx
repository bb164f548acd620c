import { Plural, Trans, useLingui } from "@lingui/react/macro";
import { Button, Checkbox } from "@mantine/core";
import type { ConsentChoice, Id } from "@omnibox/api";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useServices } from "../../app/services.ts";
import { useReason } from "../../ui/reasons.ts";
import { Failed, FieldSkeletons } from "../../ui/States.tsx";
import { toast } from "../../ui/toast.tsx";
import styles from "./Choices.module.css";

interface LineProps {
  choice: ConsentChoice;
  isChosen: boolean;
  onChange: (isChosen: boolean) => void;
}

function Line({ choice, isChosen, onChange }: LineProps) {
  const { t } = useLingui();
  return (
    <li>
      <Checkbox
        label={choice.name}
        description={choice.problem || (choice.is_taken ? t`Connected` : choice.address)}
        checked={choice.is_taken || isChosen}
        disabled={choice.is_taken || choice.problem !== ""}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    </li>
  );
}

interface ChoicesProps {
  connection: Id;
  isOpen: boolean;
  onTaken: () => Promise<unknown>;
}

/** The addresses that consent opened, to make channels of. */
export function Choices({ connection, isOpen: isOpenAtFirst, onTaken }: ChoicesProps) {
  const { t } = useLingui();
  const { api } = useServices();
  const reason = useReason();
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const query = useQuery({
    queryKey: ["choices", connection],
    queryFn: () => api.consentChoices(connection),
    enabled: isOpen,
    retry: false,
  });
  const take = useMutation({
    mutationFn: () => api.takeChoices(connection, [...chosen]),
    onSuccess: async () => {
      toast(t`Added`);
      setChosen(new Set());
      setOpen(false);
      await onTaken();
    },
    onError: (error) => toast(reason(error), { isFailure: true }),
  });
  const turn = (address: string, isChosen: boolean) =>
    setChosen(
      (old) => new Set(isChosen ? [...old, address] : [...old].filter((a) => a !== address)),
    );
  if (!isOpen)
    return (
      <Button variant="default" className={styles.open} onClick={() => setOpen(true)}>
        <Trans>Choose what to connect</Trans>
      </Button>
    );
  return (
    <fieldset className={styles.choices}>
      <legend>
        <Trans>Choose what to connect</Trans>
      </legend>
      {query.isPending && <FieldSkeletons count={2} />}
      {query.isError && (
        <Failed
          what={t`What the consent opens could not be listed`}
          error={query.error}
          onRetry={() => void query.refetch()}
        />
      )}
      {query.data?.length === 0 && (
        <p className="muted">
          <Trans>
            The consent opens nothing. Ask again, and choose at the provider what to open.
          </Trans>
        </p>
      )}
      <ul className={styles.list}>
        {query.data?.map((choice) => (
          <Line
            key={choice.address}
            choice={choice}
            isChosen={chosen.has(choice.address)}
            onChange={(isChosen) => turn(choice.address, isChosen)}
          />
        ))}
      </ul>
      <Button
        className={styles.open}
        loading={take.isPending}
        disabled={chosen.size === 0}
        onClick={() => take.mutate()}
      >
        {chosen.size === 0 ? (
          <Trans>Connect</Trans>
        ) : (
          <Plural value={chosen.size} one="Connect #" other="Connect #" />
        )}
      </Button>
    </fieldset>
  );
}
