import { describeTraps } from '../../../test/ollama/traps.ts';
import { fakeConformance } from './fake/conformance.ts';

describeTraps(fakeConformance);
