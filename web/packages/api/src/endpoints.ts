/** Every request of the inbox, by name. */

import { ApiError, errorOf, type Request } from "./client.ts";
import type {
  Agent,
  Channel,
  Connection,
  Connector,
  ConsentChoice,
  Contact,
  ContactFields,
  ConversationPage,
  Counts,
  DeviceCode,
  Edition,
  ErasureAsked,
  Finding,
  Found,
  Id,
  Invitation,
  Link,
  LinkInfo,
  MaskReport,
  Me,
  Message,
  MessagePage,
  Quarantined,
  Rearranged,
  Role,
  Row,
  Settings,
  Snapshot,
  Upload,
  View,
} from "./types.ts";

export interface ListQuery {
  view: View;
  before?: string | null;
  channel?: Id | null;
  limit?: number;
}

export function createApi(request: Request) {
  const get = <T>(path: string, query = {}) => request<T>("GET", path, undefined, query);
  const post = <T>(path: string, body: unknown = {}) => request<T>("POST", path, body);
  const patch = <T>(path: string, body: unknown) => request<T>("PATCH", path, body);

  return {
    setup: () => get<{ needed: boolean }>("/api/setup"),
    makeOwner: (body: { code: string; name: string; email: string; password: string }) =>
      post<Me>("/api/setup", body),
    login: (body: { email: string; password: string; stay: boolean }) =>
      post<Me>("/api/login", body),
    logout: () => post<void>("/api/logout"),
    link: (token: string) => get<LinkInfo>(`/api/links/${encodeURIComponent(token)}`),
    redeemLink: (token: string, body: { name?: string; password: string }) =>
      post<Me>(`/api/links/${encodeURIComponent(token)}`, body),

    changePassword: (body: { password: string; new_password: string }) =>
      post<Me>("/api/me/password", body),
    snapshot: () => get<Snapshot>("/api/snapshot"),
    counts: () => get<Counts>("/api/counts"),
    changeMe: (body: { name?: string; is_on?: boolean; signature?: string; picture?: string }) =>
      patch<Me>("/api/me", body),

    conversations: (query: ListQuery) =>
      get<ConversationPage>("/api/conversations", { limit: 50, ...query }),
    conversation: (id: Id) => get<Row>(`/api/conversations/${id}`),
    messages: (id: Id, before?: Id | null) =>
      get<MessagePage>(`/api/conversations/${id}/messages`, { before, limit: 50 }),
    search: (q: string, after?: string | null) => get<Found>("/api/search", { q, after }),
    read: (id: Id, message: Id) => post<void>(`/api/conversations/${id}/read`, { message }),
    resolve: (id: Id) => post<Row>(`/api/conversations/${id}/resolve`),
    reopen: (id: Id) => post<Row>(`/api/conversations/${id}/reopen`),
    merge: (id: Id, into: Id) => post<Rearranged>(`/api/conversations/${id}/merge`, { into }),
    editions: (id: Id) => get<{ editions: Edition[] }>(`/api/messages/${id}/editions`),
    split: (id: Id, messages: Id[], and_later: boolean) =>
      post<Rearranged>(`/api/conversations/${id}/split`, { messages, and_later }),
    move: (id: Id, messages: Id[], into: Id) =>
      post<Rearranged>(`/api/conversations/${id}/move`, { messages, into }),
    undo: (rearrangement: Id) => post<Rearranged>(`/api/rearrangements/${rearrangement}/undo`),
    goOn: (id: Id, channel: Id) => post<Row>(`/api/conversations/${id}/elsewhere`, { channel }),
    forgetRelated: (id: Id) => request<Row>("DELETE", `/api/conversations/${id}/related`),
    setPerson: (id: Id, address: string, is_confirmed: boolean) =>
      post<Row>(`/api/conversations/${id}/people`, { address, is_confirmed }),
    assign: (id: Id, agent: Id | null) => post<Row>(`/api/conversations/${id}/assign`, { agent }),

    contact: (id: Id) => get<Contact>(`/api/contacts/${id}`),
    changeContact: (id: Id, body: Partial<ContactFields>) =>
      patch<Contact>(`/api/contacts/${id}`, body),

    retry: (delivery: Id, anyway = false) =>
      post<Message>(`/api/deliveries/${delivery}/retry${anyway ? "?anyway=true" : ""}`),
    dismiss: (delivery: Id) => post<Message>(`/api/deliveries/${delivery}/dismiss`),
    check: (delivery: Id) => post<Message>(`/api/deliveries/${delivery}/check`),

    connectors: () => get<Connector[]>("/api/connectors"),
    connections: () => get<Connection[]>("/api/connections"),
    connection: (id: Id) => get<Connection>(`/api/connections/${id}`),
    addConnection: (body: { connector: string; name: string; settings: Settings }) =>
      post<Connection>("/api/connections", body),
    changeConnection: (id: Id, body: { name?: string; settings?: Settings }) =>
      patch<Connection>(`/api/connections/${id}`, body),
    deleteConnection: (id: Id) => request<void>("DELETE", `/api/connections/${id}`),
    checkConnection: (id: Id) => post<{ checks: Finding[] }>(`/api/connections/${id}/check`),
    askConsent: (id: Id) => post<{ url: string }>(`/api/connections/${id}/consent`),
    askByCode: (id: Id) => post<DeviceCode>(`/api/connections/${id}/consent/device`),
    consentAnswer: (id: Id) =>
      post<{ is_given: boolean }>(`/api/connections/${id}/consent/device/answer`),
    consentChoices: (id: Id) => get<ConsentChoice[]>(`/api/connections/${id}/consent/choices`),
    takeChoices: (id: Id, addresses: readonly string[]) =>
      post<{ channels: number }>(`/api/connections/${id}/consent/choices`, { addresses }),
    erasures: () => get<ErasureAsked[]>("/api/erasures"),
    settleErasure: (id: Id) => post<ErasureAsked[]>(`/api/erasures/${id}/done`),
    enable: (id: Id) => post<Connection>(`/api/connections/${id}/enable`),
    disable: (id: Id) => post<Connection>(`/api/connections/${id}/disable`),
    addChannel: (id: Id, body: { name: string; address: string; settings: Settings }) =>
      post<Channel>(`/api/connections/${id}/channels`, body),
    changeChannel: (id: Id, body: { name?: string; address?: string; settings?: Settings }) =>
      patch<Channel>(`/api/channels/${id}`, body),
    deleteChannel: (id: Id) => request<void>("DELETE", `/api/channels/${id}`),

    agents: () => get<Agent[]>("/api/agents"),
    changeAgent: (id: Id, body: { role?: Role; is_active?: boolean }) =>
      patch<Agent>(`/api/agents/${id}`, body),
    invite: (body: { email: string; name: string; role: Role }) =>
      post<Link>("/api/invitations", body),
    invitations: () => get<Invitation[]>("/api/invitations"),
    withdraw: (id: Id) => request<void>("DELETE", `/api/invitations/${id}`),
    resetLink: (id: Id) => post<Link>(`/api/agents/${id}/reset`),

    reportMask: (message: Id, spot: number) =>
      post<MaskReport>(`/api/messages/${message}/mask-reports`, { spot }),
    maskReports: () => get<MaskReport[]>("/api/mask-reports"),
    patterns: (channel: Id) => get<{ patterns: string[] }>(`/api/channels/${channel}/patterns`),
    setPatterns: (channel: Id, patterns: string[]) =>
      request<{ patterns: string[] }>("PUT", `/api/channels/${channel}/patterns`, { patterns }),

    quarantine: () => get<Quarantined[]>("/api/quarantine"),
    retryQuarantined: (id: Id) => post<unknown>(`/api/quarantine/${id}/retry`),
  };
}

export type Api = ReturnType<typeof createApi>;

/** Sends one file with progress from 0 to 1; `fetch` reports none. Aborting rejects with code `aborted`. */
export function uploadFile(
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    xhr.open("POST", "/api/uploads");
    xhr.setRequestHeader("X-Omnibox", "1");
    xhr.responseType = "json";
    xhr.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    xhr.onerror = () => reject(new ApiError(0, "offline", ""));
    xhr.onabort = () => reject(new ApiError(0, "aborted", ""));
    xhr.onload = () =>
      xhr.status < 300 && xhr.response
        ? resolve(xhr.response as Upload)
        : reject(errorOf(xhr.status, xhr.response, xhr.getResponseHeader("Retry-After")));
    signal.addEventListener("abort", () => xhr.abort());
    xhr.send(form);
  });
}
