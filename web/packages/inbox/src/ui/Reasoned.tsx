import { Tooltip } from "@mantine/core";
import { cloneElement, type ReactElement, useId } from "react";

interface ReasonedProps {
  /** Why the control cannot be used now; null when it can. */
  reason: string | null;
  /** What a usable control does, for one that shows only an icon. */
  hint?: string | undefined;
  children: ReactElement<Record<string, unknown>>;
}

const refuse = (event: { preventDefault(): void; stopPropagation(): void }) => {
  event.preventDefault();
  event.stopPropagation();
};

/** A control that stays visible, reachable and silent while it is refused, and says why. */
export function Reasoned({ reason, hint, children }: ReasonedProps) {
  const id = useId();
  const control =
    reason === null
      ? children
      : cloneElement(children, {
          "aria-disabled": true,
          "aria-describedby": id,
          "data-disabled": true,
          onClick: refuse,
        });
  const label = reason ?? hint;
  return (
    <>
      <Tooltip label={label} disabled={!label}>
        {control}
      </Tooltip>
      {reason !== null && (
        <span id={id} hidden>
          {reason}
        </span>
      )}
    </>
  );
}
