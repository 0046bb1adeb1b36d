import { RuntimeError } from '../errors/index.ts';
import { runningLoop } from '../kernel/lowlevel.ts';
import { type Simulation, simulationOf } from './simulation/simulation.ts';

/**
 * The simulation whose program calls.
 *
 * @param call what was called, for the message
 * @throws {RuntimeError} outside of a simulation
 */
export function simulationAround(call: string): Simulation {
  const loop = runningLoop();
  const simulation = simulationOf(loop);
  if (simulation !== null) return simulation;
  const found = loop === null ? 'no event loop runs here' : 'the event loop that runs here goes by real time';
  throw new RuntimeError(
    `${call} works only in a simulated program, and ${found}: call it inside runVirtual(main) or explore(main)`,
    { code: 'NOT_SIMULATED' },
  );
}
