/** The peers, in the order in which they are tried. Each is a file of `checks/`. */
export const PEERS: readonly string[] = ['python', 'openssl', 'curl', 'redis', 'postgres'];
