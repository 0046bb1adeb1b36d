export * from './errors.ts';
export * from './exception-group.ts';
export * from './sync-errors.ts';
