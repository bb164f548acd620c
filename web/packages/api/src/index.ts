export { ApiError, createRequest, errorOf, type FieldFault, type Request } from "./client.ts";
export { type Api, createApi, type ListQuery, uploadFile } from "./endpoints.ts";
export type { components, operations, paths } from "./schema.d.ts";
export type * from "./types.ts";
