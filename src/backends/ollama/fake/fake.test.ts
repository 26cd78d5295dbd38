import { describeBehaviour } from '../../../../test/ollama/behaviour.ts';
import { fakeConformance } from './conformance.ts';

describeBehaviour(fakeConformance);
