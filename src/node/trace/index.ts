export { flightRecorder, type ProcessFlightRecorder, type ProcessFlightRecorderOptions } from './flight-recorder.ts';
export { type TraceFile, type TraceFileOptions, traceToFile } from './trace-file.ts';
