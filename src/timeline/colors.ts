/** The colours of a timeline, light and dark. Text on its ground has a contrast of at least 4.5 to 1. */
export interface Palette {
  readonly ground: string;
  readonly panel: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly step: string;
  readonly stepText: string;
  readonly path: string;
  readonly match: string;
  readonly arrow: Readonly<Record<string, string>>;
  readonly waits: Readonly<Record<string, string>>;
  readonly otherWaits: readonly string[];
  readonly error: string;
}

export const LIGHT: Palette = {
  ground: '#ffffff',
  panel: '#f5f6f8',
  line: '#e2e5ea',
  text: '#1b2230',
  muted: '#5c6575',
  step: '#2563c9',
  stepText: '#ffffff',
  path: '#d6361f',
  match: '#b45f06',
  error: '#c02626',
  arrow: { spawn: '#1a7f4b', wake: '#6b4fbb', cancel: '#c02626' },
  waits: {
    sleep: '#9aa3b2',
    acquire: '#d99a1c',
    get: '#1fa39a',
    put: '#1f86a3',
    task: '#8b6fd6',
    tasks: '#8b6fd6',
    promise: '#d0679d',
  },
  otherWaits: ['#7a9a2e', '#c77b4a', '#5f8fc9', '#a56cc1', '#4fa37a'],
};

export const DARK: Palette = {
  ground: '#12151b',
  panel: '#1a1e26',
  line: '#2a303b',
  text: '#e5e9f0',
  muted: '#9aa4b4',
  step: '#5d94f2',
  stepText: '#0b1220',
  path: '#ff7a5c',
  match: '#f4c152',
  error: '#ff6b6b',
  arrow: { spawn: '#4fcf8b', wake: '#b09af0', cancel: '#ff6b6b' },
  waits: {
    sleep: '#7b8596',
    acquire: '#e3b04b',
    get: '#45c4ba',
    put: '#4bb0cc',
    task: '#a892ee',
    tasks: '#a892ee',
    promise: '#e58bb8',
  },
  otherWaits: ['#a3c45a', '#e0996b', '#86b1e6', '#c795df', '#74c9a0'],
};

/** The colour of a wait, by the operation that its name begins with. */
export function colorOfWait(palette: Palette, name: string): string {
  const operation = /^\w*/.exec(name)![0];
  const known = Object.hasOwn(palette.waits, operation) ? palette.waits[operation] : undefined;
  if (known !== undefined) return known;
  let sum = 0;
  for (const character of operation) sum = (sum * 31 + character.codePointAt(0)!) % 65_521;
  return palette.otherWaits[sum % palette.otherWaits.length]!;
}
