/** The private key, as PEM. */
export const key: string;
/** The certificate, as PEM. */
export const cert: string;
