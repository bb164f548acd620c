/** Requests of an agent's browser to its own server. */

export interface FieldFault {
  path: string;
  message: string;
}

/** What the server refused, or `offline` when no answer came. `message` and `cure` may be shown. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly cure: string | null;
  readonly fields: readonly FieldFault[];
  readonly retryAfterS: number | null;

  constructor(
    status: number,
    code: string,
    message: string,
    cure: string | null = null,
    fields: readonly FieldFault[] = [],
    retryAfterS: number | null = null,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.cure = cure;
    this.fields = fields;
    this.retryAfterS = retryAfterS;
  }
}

type Query = Record<string, string | number | null | undefined>;

export type Request = <T>(
  method: string,
  path: string,
  body?: unknown,
  query?: Query,
) => Promise<T>;

interface ErrorBody {
  error?: { code?: string; message?: string; cure?: string | null; fields?: FieldFault[] };
}

/** The error an answer means; the body may be anything, a proxy's page included. */
export function errorOf(status: number, body: unknown, retryAfter: string | null): ApiError {
  const error = typeof body === "object" && body ? (body as ErrorBody).error : undefined;
  const seconds = Number(retryAfter);
  return new ApiError(
    status,
    error?.code ?? `http_${status}`,
    error?.message ?? "",
    error?.cure ?? null,
    error?.fields ?? [],
    retryAfter && Number.isFinite(seconds) ? seconds : null,
  );
}

const queryOf = (query: Query): string => {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(pairs.map(([key, value]) => [key, String(value)])).toString();
  return text && `?${text}`;
};

export interface ClientOptions {
  fetch: typeof fetch;
  /** Told of every 401 besides those of the sign-in itself. */
  onSignedOut?: () => void;
  timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

export function createRequest({ fetch, onSignedOut, timeoutMs }: ClientOptions): Request {
  return async (method, path, body, query = {}) => {
    let answer: Response;
    try {
      answer = await fetch(path + queryOf(query), {
        method,
        credentials: "same-origin",
        headers: {
          "X-Omnibox": "1",
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        signal: AbortSignal.timeout(timeoutMs ?? TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new ApiError(0, "offline", "");
    }
    const text = await answer.text().catch(() => "");
    let parsed: unknown;
    try {
      parsed = text ? JSON.parse(text) : undefined;
    } catch {
      parsed = undefined;
    }
    if (answer.ok) return parsed as never;
    const error = errorOf(answer.status, parsed, answer.headers.get("Retry-After"));
    if (error.status === 401 && error.code !== "login_refused") onSignedOut?.();
    throw error;
  };
}
