import { rmSync } from 'node:fs';
import { inRoot } from './lib/project.ts';

rmSync(inRoot('dist'), { recursive: true, force: true });
