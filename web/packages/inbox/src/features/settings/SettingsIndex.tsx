import { Navigate } from "@tanstack/react-router";
import { useDesk } from "../../app/live.ts";

/** The first area that this agent may see. */
export default function SettingsIndex() {
  const { may } = useDesk();
  return <Navigate to={may.settings ? "/settings/channels" : "/settings/profile"} replace />;
}
