import { Notifications } from "@mantine/notifications";
import { useIsPhone } from "./phone.ts";

/** Where a toast hides nothing that is needed now: over the list's foot, on a phone above. */
export const Toasts = () => (
  <Notifications position={useIsPhone() ? "top-center" : "bottom-left"} limit={3} zIndex={400} />
);
