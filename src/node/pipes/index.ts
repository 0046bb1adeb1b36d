export { connectReadPipe, connectWritePipe } from './connect-pipe.ts';
