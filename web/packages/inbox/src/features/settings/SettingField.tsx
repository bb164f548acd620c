import { Trans, useLingui } from "@lingui/react/macro";
import {
  Button,
  ColorInput,
  NumberInput,
  PasswordInput,
  Radio,
  Select,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useState } from "react";
import { Copy } from "../../ui/Copy.tsx";
import type { FormField } from "./fields.ts";
import styles from "./SettingField.module.css";

const RADIO_MOST = 4;

interface SettingFieldProps {
  field: FormField;
  value: unknown;
  isSecretSet: boolean;
  fault: string | undefined;
  onChange: (value: unknown) => void;
}

function Secret({ field, value, isSecretSet, fault, onChange }: SettingFieldProps) {
  const { t } = useLingui();
  const [isReplaced, setReplaced] = useState(false);
  if (isSecretSet && !isReplaced)
    return (
      <div className={styles.secret}>
        <span className={styles.label}>{field.title}</span>
        <span className={styles.set}>
          <Trans>set</Trans> ·{" "}
          <Button
            size="compact-xs"
            variant="subtle"
            aria-label={t`Replace: ${field.title}`}
            onClick={() => setReplaced(true)}
          >
            <Trans>Replace</Trans>
          </Button>
        </span>
        {field.help && <span className={styles.help}>{field.help}</span>}
      </div>
    );
  return (
    <PasswordInput
      label={field.title}
      description={field.help}
      placeholder={field.placeholder}
      value={String(value ?? "")}
      error={fault}
      required={field.isRequired && !isSecretSet}
      autoComplete="off"
      autoFocus={isReplaced}
      visibilityToggleButtonProps={{ "aria-label": t`Show or hide the value` }}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function Choice({ field, value, fault, onChange }: SettingFieldProps) {
  const shared = {
    label: field.title,
    description: field.help,
    error: fault,
    required: field.isRequired,
  };
  const chosen = String(value ?? "");
  if (field.choices.length > RADIO_MOST)
    return <Select {...shared} data={[...field.choices]} value={chosen} onChange={onChange} />;
  return (
    <Radio.Group {...shared} value={chosen} onChange={onChange}>
      <div className={styles.radios}>
        {field.choices.map((choice) => (
          <Radio key={choice} value={choice} label={choice} />
        ))}
      </div>
    </Radio.Group>
  );
}

/** One declared setting as a control. */
export function SettingField(props: SettingFieldProps) {
  const { field, value, fault, onChange } = props;
  const { control, isRequired } = field;
  const shared = {
    label: field.title,
    description: field.help,
    placeholder: field.placeholder,
    error: fault,
    required: isRequired,
  };
  const text = {
    ...shared,
    value: String(value ?? ""),
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  };
  switch (control) {
    case "copy":
      return value ? <Copy label={field.title} value={String(value)} help={field.help} /> : null;
    case "secret":
      return <Secret {...props} />;
    case "choice":
      return <Choice {...props} />;
    case "switch":
      return (
        <Switch
          label={field.title}
          description={field.help}
          error={fault}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      );
    case "number":
      return (
        <NumberInput
          {...shared}
          value={typeof value === "number" ? value : ""}
          allowDecimal={!field.isWhole}
          onChange={onChange}
        />
      );
    case "tags":
      return (
        <TagsInput
          {...shared}
          value={Array.isArray(value) ? value.map(String) : []}
          onChange={onChange}
        />
      );
    case "color":
      return <ColorInput {...shared} value={String(value ?? "")} onChange={onChange} />;
    case "long":
      return <Textarea {...text} autosize minRows={3} maxRows={12} />;
    case "email":
    case "url":
      return <TextInput {...text} type={control} />;
    default:
      return <TextInput {...text} />;
  }
}
