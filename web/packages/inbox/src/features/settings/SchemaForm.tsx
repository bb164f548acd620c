import { Trans, useLingui } from "@lingui/react/macro";
import { Button, TextInput } from "@mantine/core";
import { ApiError, type Settings, type SettingsSchema } from "@omnibox/api";
import { type FormEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { Reasoned } from "../../ui/Reasoned.tsx";
import { useReason } from "../../ui/reasons.ts";
import {
  type FormField,
  fieldsOf,
  isNeeded,
  isShown,
  missingOf,
  settingsOf,
  startOf,
} from "./fields.ts";
import styles from "./SchemaForm.module.css";
import { SettingField } from "./SettingField.tsx";

export interface Filled {
  name: string;
  settings: Settings;
}

interface SchemaFormProps {
  schema: SettingsSchema | null;
  nameLabel: string;
  name: string;
  stored: Settings;
  secretsSet: readonly string[];
  submitLabel: string;
  /** Only asks to be saved after a change. */
  isEdit: boolean;
  onSubmit: (filled: Filled) => Promise<void>;
  children?: ReactNode;
}

/** Faults come as «settings.url» or «url»; both land at the field. */
const faultsOf = (error: unknown): Record<string, string> =>
  error instanceof ApiError
    ? Object.fromEntries(
        error.fields.map(({ path, message }) => [path.replace(/^settings\./, ""), message]),
      )
    : {};

interface GroupProps {
  title: string;
  isNeeded: boolean;
  hasFault: boolean;
  children: ReactNode;
}

/** Settings that belong together; folded unless one of them has to be filled in. */
function Group({ title, isNeeded, hasFault, children }: GroupProps) {
  const id = useId();
  const [isOpen, setOpen] = useState(isNeeded);
  const isShownNow = isOpen || hasFault;
  return (
    <div>
      <button
        type="button"
        className={styles.more}
        aria-expanded={isShownNow}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {title}
      </button>
      <div id={id} className={styles.form} hidden={!isShownNow}>
        {children}
      </div>
    </div>
  );
}

/** A form drawn from declared settings alone. */
export function SchemaForm(props: SchemaFormProps) {
  const { schema, nameLabel, stored, secretsSet, submitLabel, isEdit, onSubmit, children } = props;
  const { t } = useLingui();
  const reason = useReason();
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const [name, setName] = useState(props.name);
  const [values, setValues] = useState(() => startOf(fields, stored));
  const [faults, setFaults] = useState<Record<string, string>>({});
  const [fault, setFault] = useState<string | null>(null);
  const [isDirty, setDirty] = useState(!isEdit);
  const [isBusy, setBusy] = useState(false);
  const [refusals, setRefusals] = useState(0);
  const form = useRef<HTMLFormElement>(null);

  useEffect(() => {
    // A long form ends with its button: what was refused may stand a screen above it.
    if (refusals)
      form.current?.querySelector<HTMLElement>('[role="alert"], [aria-invalid="true"]')?.focus();
  }, [refusals]);

  const set = (field: string, value: unknown) => {
    setValues((old) => ({ ...old, [field]: value }));
    setFaults(({ [field]: _gone, ...rest }) => rest);
    setDirty(true);
  };

  const missing = missingOf(fields, values, secretsSet).map(({ title }) => title);
  if (!name.trim()) missing.unshift(nameLabel);
  const list = missing.join(", ");
  const blocked = missing.length ? t`Still empty: ${list}` : null;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (blocked || isBusy) return;
    setBusy(true);
    setFault(null);
    try {
      await onSubmit({ name: name.trim(), settings: settingsOf(fields, values) });
      setFaults({});
      setDirty(!isEdit);
    } catch (error) {
      const found = faultsOf(error);
      setFaults(found);
      const known = new Set(["name", ...fields.map((field) => field.name)]);
      const isPlaced =
        Object.keys(found).length > 0 && Object.keys(found).every((k) => known.has(k));
      if (!isPlaced) setFault(reason(error));
      setRefusals((count) => count + 1);
    }
    setBusy(false);
  };

  const draw = (field: FormField) =>
    isShown(field, values) && (
      <SettingField
        key={field.name}
        field={isNeeded(field, values) ? { ...field, isRequired: true } : field}
        value={values[field.name]}
        isSecretSet={secretsSet.includes(field.name)}
        fault={faults[field.name]}
        onChange={(value) => set(field.name, value)}
      />
    );
  const plain = fields.filter(({ group }) => !group);
  const groups = [...new Set(fields.flatMap(({ group }) => group || []))];

  return (
    <form ref={form} className={styles.form} noValidate onSubmit={(event) => void submit(event)}>
      {fault && (
        <p className={styles.fault} role="alert" tabIndex={-1}>
          {fault}
        </p>
      )}
      <TextInput
        label={nameLabel}
        value={name}
        error={faults.name}
        required
        onChange={(event) => {
          setName(event.currentTarget.value);
          setDirty(true);
        }}
      />
      {plain.map(draw)}
      {groups.map((group) => {
        const own = fields.filter((field) => field.group === group && isShown(field, values));
        if (own.length === 0) return null;
        return (
          <Group
            key={group}
            title={group === "advanced" ? t`Advanced` : group}
            isNeeded={own.some((field) => isNeeded(field, values))}
            hasFault={own.some((field) => faults[field.name])}
          >
            {own.map(draw)}
          </Group>
        );
      })}
      <div className={styles.foot}>
        {children}
        {(isDirty || !isEdit) && (
          <Reasoned reason={blocked}>
            <Button type="submit" loading={isBusy}>
              {submitLabel}
            </Button>
          </Reasoned>
        )}
        {isEdit && isDirty && (
          <span className="muted">
            <Trans>Unsaved changes</Trans>
          </span>
        )}
      </div>
    </form>
  );
}
