/**
 * What a message may show of an address. The address may be wrong, so it is not parsed: all between the name of the user and the last `@` goes,
 * because a password that was not escaped can have any character. NATS takes a token in place of a name, so a name without a password goes as well.
 */
export function withoutPassword(address: string): string {
  return address.replace(/^((?:[\w+.-]+:\/\/)?)(?:([^:@/]*:).*|[^:@/]+)@/s, '$1$2…@');
}
