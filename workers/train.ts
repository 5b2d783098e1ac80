import { serve } from '../src/engine/serve.ts';
import { createTrainService } from '../src/engine/train-service.ts';

serve(createTrainService());
