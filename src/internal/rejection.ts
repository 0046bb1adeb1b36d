/**
 * What the handler of a rejection is given, as the language's own promises type it: a program may name the class of errors that it expects,
 * `task.catch((error: HttpError) => …)`.
 */
export type Rejection = Parameters<NonNullable<Parameters<Promise<unknown>['catch']>[0]>>[0];
