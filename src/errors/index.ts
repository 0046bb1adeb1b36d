export * from './errors.ts';
export * from './exception-group.ts';
