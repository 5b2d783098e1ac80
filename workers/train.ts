import { serve } from '../src/engine/serve.ts';
import { trainService } from '../src/engine/train-service.ts';

serve(trainService);
